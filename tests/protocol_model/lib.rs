//! A package needs a library; the model is the package's test.
