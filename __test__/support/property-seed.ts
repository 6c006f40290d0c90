// Runs before each test file: properties draw their values from the seed of the run.
import fc from 'fast-check'

import { seed } from './seed.js'

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed })
