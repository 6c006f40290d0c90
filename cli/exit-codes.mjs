// The exit codes. The help texts explain them too.
export const DONE = 0
/** A call failed, or something is wrong with the table. */
export const FAILURE = 1
/** The command line is wrong; nothing was sent. */
export const USAGE = 2
/** `inspect` has found nothing. */
export const NOT_FOUND = 3
