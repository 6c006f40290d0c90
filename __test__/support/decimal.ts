// DynamoDB's numbers, exactly: a double cannot tell all of their 38 digits apart.

/** `units` × 10^`exponent` */
export interface Decimal {
  units: bigint
  exponent: number
}

export function decimal(text: string | number): Decimal {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(String(text)) ?? []
  if (whole + fraction === '') throw new Error(`${text} is no decimal number`)
  return {
    units: BigInt(`${sign === '-' ? '-' : ''}${whole}${fraction}`),
    exponent: Number(exponent) - fraction.length,
  }
}

/** `number` × 10^`by` */
export const shifted = ({ units, exponent }: Decimal, by: number): Decimal => ({ units, exponent: exponent + by })

/** Below 0, 0 or above, as `a` is below, equal to or above `b`. */
export function compare(a: Decimal, b: Decimal): number {
  const least = Math.min(a.exponent, b.exponent)
  const difference = scaled(a, least) - scaled(b, least)
  return difference === 0n ? 0 : difference < 0n ? -1 : 1
}

export function plus(a: Decimal, b: Decimal): Decimal {
  const exponent = Math.min(a.exponent, b.exponent)
  return { units: scaled(a, exponent) + scaled(b, exponent), exponent }
}

/** The least whole number that is not below. */
export function ceiling(number: Decimal): Decimal {
  if (number.exponent >= 0) return number
  const one = 10n ** BigInt(-number.exponent)
  const { units } = number
  // Division of bigints goes towards 0.
  return { units: units > 0n ? (units + one - 1n) / one : units / one, exponent: 0 }
}

/** The greatest whole number that is not above. */
export function floor({ units, exponent }: Decimal): Decimal {
  const { units: above, exponent: scale } = ceiling({ units: -units, exponent })
  return { units: -above, exponent: scale }
}

/** The nearest double. */
export const toNumber = ({ units, exponent }: Decimal): number => Number(`${units}e${exponent}`)

const scaled = ({ units, exponent }: Decimal, to: number): bigint => units * 10n ** BigInt(exponent - to)
