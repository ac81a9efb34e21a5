export { nodeBulkHash } from '../../platform/bulk-hash.ts'
