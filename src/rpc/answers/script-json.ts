import { toHex } from '../../base/bytes/bytes.ts'
import { inferDescriptorText } from '../../bitcoin/descriptors/infer.ts'
import { type AddressPrefixes, scriptAddress } from '../../bitcoin/primitives/address.ts'
import { scriptToAsm } from '../../bitcoin/script/script-asm.ts'
import { solveScript } from '../../bitcoin/script/standard.ts'

/** An output script as answers show it, `hex` left out where it is what was asked about. */
export function scriptJson(
  script: Uint8Array,
  prefixes: AddressPrefixes,
  options: { hex?: boolean; desc?: string } = {},
) {
  return {
    asm: scriptToAsm(script),
    desc: options.desc ?? inferDescriptorText(script, prefixes),
    hex: options.hex === false ? undefined : toHex(script),
    address: scriptAddress(script, prefixes),
    type: solveScript(script).type,
  }
}
