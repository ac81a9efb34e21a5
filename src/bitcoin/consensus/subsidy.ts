import type { NetworkParams } from '../params/network-params.ts'

/** Satoshi that a block at `height` may create, besides its fees. */
export function blockSubsidySats(height: number, params: NetworkParams): number {
  const halvings = Math.floor(height / params.halvingInterval)
  return halvings >= 64 ? 0 : Math.floor(params.initialSubsidySats / 2 ** halvings)
}
