// What to do about an error, by its code.
// @ts-check

/** @type {Record<string, string>} */
const remedies = {
  ErrAccessDenied:
    'add the action to the policy of these credentials (the repository’s docs/operations.md has the whole policy)',
  ErrCredentials: 'set AWS_PROFILE or AWS_ACCESS_KEY_ID and its companions, or log in anew',
  ErrTableNotFound: 'check table name and region, or make the table with create-table',
  ErrThrottled: 'try again; if it stays, look at the table’s throttled requests and at its billing mode',
  ErrTimeout: 'check region, endpoint and network, or raise the time limit that the message names',
  ErrUnavailable: 'check endpoint and network',
}

/** @param {string | null | undefined} code */
export const remedyFor = (code) => remedies[code ?? ''] ?? null
