//! Links the addon for Node.js.

fn main() {
    napi_build::setup();
}
