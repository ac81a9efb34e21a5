/** How many use a file, and who has to wait while it moves. */
interface Door {
  readers: number
  writers: number
  held: 'nobody' | 'writes' | 'all'
  /** Called at whatever changes. */
  readonly waiting: (() => void)[]
}

/** Lets readers and writers of files in, unless a file is on its way elsewhere; whoever moves it waits until they are out. */
export class FileGate {
  readonly #doors = new Map<number, Door>()

  #door(file: number): Door {
    let door = this.#doors.get(file)
    if (door === undefined) {
      door = { readers: 0, writers: 0, held: 'nobody', waiting: [] }
      this.#doors.set(file, door)
    }
    return door
  }

  #changed(file: number, door: Door): void {
    if (door.readers === 0 && door.writers === 0 && door.held === 'nobody') this.#doors.delete(file)
    for (const wake of door.waiting.splice(0)) wake()
  }

  isHeld(file: number, writing: boolean): boolean {
    const held = this.#doors.get(file)?.held ?? 'nobody'
    return held === 'all' || (held === 'writes' && writing)
  }

  isWritten(file: number): boolean {
    return (this.#doors.get(file)?.writers ?? 0) > 0
  }

  /** Returns at the next change of who uses a file, or may. */
  change(file: number): Promise<void> {
    return new Promise(resolve => this.#door(file).waiting.push(resolve))
  }

  enter(file: number, writing: boolean): void {
    const door = this.#door(file)
    if (writing) door.writers++
    else door.readers++
  }

  leave(file: number, writing: boolean): void {
    const door = this.#door(file)
    if (writing) door.writers--
    else door.readers--
    if (door.writers === 0 || door.readers === 0) this.#changed(file, door)
  }

  /** Lets nobody in who writes, or nobody at all; returns once those who were in are out. */
  async hold(file: number, held: 'writes' | 'all'): Promise<void> {
    const door = this.#door(file)
    door.held = held
    while (door.writers > 0 || (held === 'all' && door.readers > 0)) await this.change(file)
  }

  open(file: number): void {
    const door = this.#door(file)
    door.held = 'nobody'
    this.#changed(file, door)
  }
}
