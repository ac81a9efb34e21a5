/**
 * The published test key that a development chain pays to: the secret is the SHA-256 of the text
 * `peers dev: a published test key, worth nothing`. Everybody knows it, so it must never hold anything of worth.
 */
export const DEV_KEY = {
  secretHex: '0df0266efa61f3b2dee42d457790f3f6957adc09978df06dd6526f553fda2fbf',
  /** The secret in wallet import format, for regtest and testnets. */
  wif: 'cN3o6BH21FapNtACWUsP2ugXnpPfjVyVSAAu9NHWf8pEuhjHwTsh',
  publicKeyHex: '023e304dd5ed03b502a75c1270eaec80b49563a24a2e768d46f3916b9a54cecd5c',
  /** Its P2WPKH address on regtest. */
  address: 'bcrt1qwpt2puqqy2fd74zrn0mr822vdamg3fqgsr97wx',
} as const
