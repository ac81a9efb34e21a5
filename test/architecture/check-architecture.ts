import { posix } from 'node:path'
import ts from 'typescript'
import { floorOf, IMPURE_NAMES, PACKAGE_PLACES, PURE_FLOOR_MAX, SOURCE_LINES_MAX } from './floors.ts'

/** A tree of sources: path below src/ to text. */
export type SourceTree = ReadonlyMap<string, string>

const TEST_FILE = /\.test\.ts$/
const KEBAB_FILE = /^[a-z0-9]+(-[a-z0-9]+)*(\.test)?\.[a-z0-9]+$/
const KEBAB_FOLDER = /^[a-z0-9]+(-[a-z0-9]+)*$/

interface SourceFacts {
  /** What is imported, as it is written. */
  readonly imports: readonly string[]
  /** Names of the outside world that the code mentions, each once. */
  readonly impureNames: ReadonlySet<string>
}

/** Whether an identifier names something of its own: a property, a member, a label, not a variable in scope. */
function isMemberName(node: ts.Identifier): boolean {
  const { parent } = node
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node
  if (ts.isQualifiedName(parent)) return parent.right === node
  const hasName =
    ts.isPropertyAssignment(parent) ||
    ts.isPropertySignature(parent) ||
    ts.isPropertyDeclaration(parent) ||
    ts.isMethodDeclaration(parent) ||
    ts.isMethodSignature(parent) ||
    ts.isGetAccessorDeclaration(parent) ||
    ts.isSetAccessorDeclaration(parent) ||
    ts.isBindingElement(parent)
  if (!hasName) return false
  return ts.isBindingElement(parent) ? parent.propertyName === node : parent.name === node
}

/** Reads a source as the compiler does, so that comments and strings count for nothing. */
function readSource(path: string, text: string): SourceFacts {
  const imports: string[] = []
  const impureNames = new Set<string>()
  const visit = (node: ts.Node): void => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier !== undefined) {
      imports.push((node.moduleSpecifier as ts.StringLiteral).text)
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [target] = node.arguments
      imports.push(ts.isStringLiteralLike(target) ? target.text : 'computed')
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      imports.push((node.argument.literal as ts.StringLiteral).text)
    } else if (ts.isPropertyAccessExpression(node) && node.getText() === 'Math.random') {
      impureNames.add('Math.random')
    } else if (ts.isIdentifier(node) && IMPURE_NAMES.has(node.text) && !isMemberName(node)) {
      impureNames.add(node.text)
    }
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true))
  return { imports, impureNames }
}

/** The package that a bare import names: `@scope/name` or `name`. */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

function isInside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`)
}

function wingOf(path: string): string | undefined {
  return ['bitcoin', 'bittorrent'].find(wing => isInside(path, wing))
}

/** What is wrong with one import of a file that is no test. */
function judgeImport(path: string, specifier: string): string | undefined {
  const from = floorOf(path)
  if (from === undefined) return undefined
  if (specifier.startsWith('node:')) {
    return from.floor <= PURE_FLOOR_MAX ? `${path} is pure but imports ${specifier}` : undefined
  }
  if (!specifier.startsWith('.')) {
    const name = packageOf(specifier)
    const places = PACKAGE_PLACES.get(name)
    if (places === undefined) return `${path} imports ${name}, a package that has no place`
    return places.some(place => isInside(path, place))
      ? undefined
      : `${path} imports ${name}, which belongs in ${places.join(' and ')}`
  }
  const target = posix.join(posix.dirname(path), specifier)
  const to = floorOf(target)
  if (to === undefined) return `${path} imports ${target}, which stands on no floor`
  if (from.folder === to.folder) return undefined
  const wings = [wingOf(path), wingOf(target)]
  if (wings[0] !== undefined && wings[1] !== undefined && wings[0] !== wings[1]) {
    return `${path} reaches from one wing into the other: ${target}`
  }
  if (to.floor >= from.floor) return `${path} (floor ${from.floor}) imports ${target} (floor ${to.floor})`
  if (from.baseOnly && to.folder !== 'base') return `${path} may import base alone, not ${target}`
  return undefined
}

/** One circle of folders that import each other, if there is any; a folder and those inside it count as one. */
function findCircle(arrows: ReadonlyMap<string, ReadonlySet<string>>): string[] | undefined {
  const done = new Set<string>()
  const path: string[] = []
  const visit = (folder: string): string[] | undefined => {
    if (path.includes(folder)) return [...path.slice(path.indexOf(folder)), folder]
    if (done.has(folder)) return undefined
    path.push(folder)
    for (const next of arrows.get(folder) ?? []) {
      const circle = visit(next)
      if (circle !== undefined) return circle
    }
    path.pop()
    done.add(folder)
    return undefined
  }
  for (const folder of arrows.keys()) {
    const circle = visit(folder)
    if (circle !== undefined) return circle
  }
  return undefined
}

function judgeNames(tree: SourceTree): string[] {
  const problems: string[] = []
  const folders = new Set<string>()
  for (const path of tree.keys()) {
    for (let at = posix.dirname(path); at !== '.'; at = posix.dirname(at)) folders.add(at)
    const name = posix.basename(path)
    if (name !== 'README.md' && !KEBAB_FILE.test(name)) problems.push(`${path}: the name is not in kebab-case`)
  }
  for (const folder of folders) {
    if (!KEBAB_FOLDER.test(posix.basename(folder))) problems.push(`${folder}: the name is not in kebab-case`)
    if (!tree.has(`${folder}/README.md`)) problems.push(`${folder} has no README.md`)
  }
  return problems
}

/** Everything in a tree of sources that breaks the plan of the house, a line each. */
export function checkArchitecture(tree: SourceTree): string[] {
  const problems = judgeNames(tree)
  const arrows = new Map<string, Set<string>>()
  for (const [path, text] of tree) {
    if (!path.endsWith('.ts') || TEST_FILE.test(path)) continue
    const from = floorOf(path)
    if (from === undefined) {
      problems.push(`${path} stands on no floor`)
      continue
    }
    const lines = text.split('\n').length - 1
    if (lines > SOURCE_LINES_MAX) problems.push(`${path} has ${lines} lines, more than ${SOURCE_LINES_MAX}`)
    const { imports, impureNames } = readSource(path, text)
    if (from.floor <= PURE_FLOOR_MAX) {
      for (const name of impureNames) problems.push(`${path} is pure but mentions ${name}`)
    }
    const folder = posix.dirname(path)
    for (const specifier of imports) {
      const problem = judgeImport(path, specifier)
      if (problem !== undefined) problems.push(problem)
      if (!specifier.startsWith('.')) continue
      const target = posix.dirname(posix.join(folder, specifier))
      if (isInside(target, folder) || isInside(folder, target) || target === '.' || folder === '.') continue
      if (!arrows.has(folder)) arrows.set(folder, new Set())
      arrows.get(folder)!.add(target)
    }
  }
  const circle = findCircle(arrows)
  if (circle !== undefined) problems.push(`folders import each other in a circle: ${circle.join(' → ')}`)
  return problems
}
