export { SimNetwork, type SimNetworkOptions } from './sim-network.ts'
export { SimNode, type SimNodeOptions } from './sim-node.ts'
export { runTroubledWorld, type WorldReport } from './troubled-world.ts'
