import { testWorlds } from './test-worlds.ts'

testWorlds(101, 50)
