import { testWorlds } from './test-worlds.ts'

testWorlds(51, 50)
