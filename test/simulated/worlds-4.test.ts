import { testWorlds } from './test-worlds.ts'

testWorlds(151, 50)
