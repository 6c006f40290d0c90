// @ts-check

/** The command line, its input or its options are wrong; no request was sent. */
export class UsageError extends Error {}
