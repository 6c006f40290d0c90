// The fix for an error, by its message and its code.
// @ts-check

/** Errors that have one code and several causes. @type {[RegExp, string][]} */
const byMessage = [
  [
    /UnknownOperation|Unsupported operation/,
    'this server does not implement that operation; use DynamoDB, DynamoDB Local or moto (dynalite and Alternator have no transactions)',
  ],
  [
    /exists with other keys|does not match the schema|missed key schema|number of conditions on the keys is invalid/i,
    'use a table with the partition key pk and the sort key sk, both strings: keys cannot be changed, so make another table with create-table',
  ],
  [/TTL on the attribute/, 'turn TTL off, wait until it is off, and run create-table again'],
]

/** @type {Record<string, string>} */
const byCode = {
  ErrAccessDenied: 'allow the action in the IAM policy of these credentials; docs/operations.md has the whole policy',
  ErrCredentials:
    'set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; log in again; or give the function, task or instance a role',
  ErrTableNotFound: 'check --table-name and --region, or make the table with create-table',
  ErrThrottled: 'try again; if it lasts, check the table’s ThrottledRequests metric and its billing mode',
  ErrTimeout: 'check --region, --endpoint and the network, or raise the timeout that the message names',
  ErrUnavailable: 'check --endpoint and the network',
}

/** @param {{ code?: string | null, message?: string }} error */
export const fixFor = ({ code, message = '' }) =>
  byMessage.find(([pattern]) => pattern.test(message))?.[1] ?? byCode[code ?? ''] ?? null
