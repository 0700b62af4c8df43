/**
 * Small faults put into a source file, as a reviewer would try them: all of a file at once, each behind a switch, so
 * that one load of the file serves them all.
 */
import { stripTypeScriptTypes } from 'node:module';
import { parse, type AnyNode, type CallExpression, type Node, type WhileStatement } from 'acorn';

/** One fault. `code` is the line that holds it; with `change` it names the fault even when lines move. */
export interface Mutant {
  id: number;
  file: string;
  line: number;
  code: string;
  change: string;
}
interface Edit {
  start: number;
  end: number;
  text: string;
}

const BINARY: Record<string, string[]> = {
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '===': ['!=='],
  '!==': ['==='],
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '%': ['*'],
};
const LOGICAL: Record<string, string> = { '&&': '||', '||': '&&' };
const ASSIGNMENT: Record<string, string> = { '+=': '-=', '-=': '+=', '*=': '/=', '/=': '*=' };
const METHODS: Record<string, string> = {
  min: 'max',
  max: 'min',
  floor: 'ceil',
  ceil: 'floor',
  some: 'every',
  every: 'some',
  startsWith: 'endsWith',
  endsWith: 'startsWith',
  find: 'findLast',
  findLast: 'find',
  indexOf: 'lastIndexOf',
  lastIndexOf: 'indexOf',
  toLowerCase: 'toUpperCase',
  toUpperCase: 'toLowerCase',
};
/** Calls that give back what they were called on, or nearly: left out. */
const REMOVABLE = new Set([
  'filter',
  'sort',
  'toSorted',
  'reverse',
  'toReversed',
  'trim',
  'slice',
  'flat',
  'replaceAll',
  'replace',
  'normalize',
]);
/** Above this a constant that is one off is the same to everybody: it is doubled and halved. */
const EXACT = 10;

/**
 * @param source TypeScript that needs no more than its types taken away
 * @param first id of the first mutant
 * @returns `code` is JavaScript; at run time it asks `$mutant(id)` whether a fault is on,
 * and each turn of a loop calls `$loop()`
 */
export function mutate(source: string, file: string, first: number): { code: string; mutants: Mutant[] } {
  const plain = stripTypeScriptTypes(source, { mode: 'strip' }),
    lines = source.split('\n'),
    mutants: Mutant[] = [];
  const program = parse(plain, { ecmaVersion: 'latest', sourceType: 'module', locations: true });
  /** Expressions by the node at whose place the switch stands. */
  const hosted = new Map<Node, { id: number; edit: Edit }[]>();
  /** Statements that a fault leaves out, and bodies that it leaves at once. */
  const removed = new Map<Node, number>(),
    left = new Map<Node, number>(),
    defaults = new Set<Node>();

  function note(node: Node, what: string): number {
    const id = first + mutants.length,
      line = node.loc!.start.line;
    mutants.push({ id, file, line, code: lines[line - 1]!.trim(), change: what.replace(/\s+/g, ' ') });
    return id;
  }
  function put(host: Node, node: Node, edit: Edit): void {
    const was = plain.slice(node.start, node.end),
      is = plain.slice(node.start, edit.start) + edit.text + plain.slice(edit.end, node.end);
    const id = note(node, `${short(was)} → ${short(is)}`);
    hosted.set(host, [...(hosted.get(host) ?? []), { id, edit }]);
  }
  const whole = (host: Node, node: Node, text: string): void =>
    put(host, node, { start: node.start, end: node.end, text });
  /** The operator between two nodes. */
  function between(host: Node, node: Node, a: Node, b: Node, from: string, to: string): void {
    const start = plain.indexOf(from, a.end);
    if (start >= 0 && start < b.start) put(host, node, { start, end: start + from.length, text: to });
  }
  const condition = (test: AnyNode, also: string[]): void => {
    for (const value of also) whole(test, test, value);
  };

  /** @param host where a switch may stand for this node: itself, or the optional chain that it is part of */
  function visit(node: AnyNode, host: Node, inThrow: boolean): void {
    const child = (next: AnyNode | null | undefined, at: Node | null | undefined = next): void => {
      if (next) visit(next, at!, inThrow);
    };
    switch (node.type) {
      case 'ImportDeclaration':
      case 'ExportAllDeclaration':
        return;
      case 'ExportNamedDeclaration':
        return child(node.declaration);
      case 'BinaryExpression':
        if (!(node.operator === '+' && [node.left, node.right].some(isText)))
          for (const to of BINARY[node.operator] ?? []) between(host, node, node.left, node.right, node.operator, to);
        break;
      case 'LogicalExpression':
        if (node.operator === '??') {
          whole(host, node, plain.slice(node.right.start, node.right.end));
          // The compiler asks for many of these and refuses the code without them, as without an optional chain.
          defaults.add(node.right);
        } else between(host, node, node.left, node.right, node.operator, LOGICAL[node.operator]!);
        break;
      case 'UnaryExpression':
        if (node.operator === '!' || (node.operator === '-' && node.argument.type !== 'Literal'))
          whole(host, node, plain.slice(node.argument.start, node.argument.end));
        break;
      case 'AssignmentExpression': {
        const to = ASSIGNMENT[node.operator];
        if (to && !isText(node.right)) between(host, node, node.left, node.right, node.operator, to);
        return child(node.right);
      }
      case 'UpdateExpression':
        whole(
          host,
          node,
          plain.slice(node.start, node.end).replace(/\+\+|--/, sign => (sign === '++' ? '--' : '++')),
        );
        return;
      case 'ConditionalExpression':
        condition(node.test, ['true', 'false']);
        break;
      case 'IfStatement':
        condition(node.test, ['true', 'false']);
        break;
      case 'WhileStatement':
      case 'ForStatement':
        if (node.test) condition(node.test, ['false']);
        break;
      case 'Literal':
        if (!defaults.has(node)) literal(node, host, inThrow);
        return;
      case 'TaggedTemplateExpression':
        // What is tagged must stay a template.
        for (const each of node.quasi.expressions) child(each);
        return;
      case 'TemplateLiteral':
        if (!inThrow && plain.slice(node.start, node.end) !== '``') whole(host, node, '``');
        break;
      case 'ArrayExpression':
        if (node.elements.length > 0) whole(host, node, '[]');
        break;
      case 'CallExpression':
        call(node, host);
        break;
      case 'ExpressionStatement':
        if (node.directive !== undefined) return;
        if (node.expression.type !== 'YieldExpression')
          removed.set(node, note(node, `${short(plain.slice(node.start, node.end))} → (left out)`));
        break;
      case 'ContinueStatement':
      case 'ThrowStatement':
        removed.set(node, note(node, `${short(plain.slice(node.start, node.end))} → (left out)`));
        break;
      case 'FunctionDeclaration':
      case 'FunctionExpression':
      case 'ArrowFunctionExpression':
        if (
          node.body.type === 'BlockStatement' &&
          node.body.body.length > 0 &&
          !/\bsuper\(/.test(plain.slice(node.body.start, node.body.end))
        )
          left.set(node.body, note(node, `${short(plain.slice(node.start, node.body.start))} → (returns at once)`));
        break;
      default:
    }
    const quiet = inThrow || node.type === 'ThrowStatement';
    for (const next of children(node))
      visit(next, spine(node, next) ? (host === node && node.type !== 'ChainExpression' ? next : host) : next, quiet);
  }
  function literal(node: Extract<AnyNode, { type: 'Literal' }>, host: Node, inThrow: boolean): void {
    const { value } = node;
    if ('regex' in node && node.regex) whole(host, node, '/(?!)/g');
    else if (typeof value === 'boolean') whole(host, node, String(!value));
    else if (typeof value === 'number')
      for (const to of Number.isInteger(value) && value <= EXACT ? [value + 1, value - 1] : [value * 2, value / 2])
        whole(host, node, to < 0 ? `(${to})` : String(to));
    else if (typeof value === 'string' && !inThrow) whole(host, node, value === '' ? `'§'` : `''`);
  }
  function call(node: CallExpression, host: Node): void {
    const { callee, arguments: args } = node;
    if (callee.type === 'MemberExpression' && !callee.computed && callee.property.type === 'Identifier') {
      const { name, start, end } = callee.property;
      if (
        Object.hasOwn(METHODS, name) &&
        !(name.startsWith('m') && plain.slice(callee.object.start, callee.object.end) !== 'Math')
      )
        put(host, node, { start, end, text: METHODS[name]! });
      else if (REMOVABLE.has(name)) whole(host, node, plain.slice(callee.object.start, callee.object.end));
    }
    const [a, b] = args;
    // The greater of two is the same either way.
    const ordered = !/^Math\.(min|max)$/.test(plain.slice(callee.start, callee.end));
    if (ordered && a && b && a.type === b.type && (a.type === 'Identifier' || a.type === 'MemberExpression')) {
      const [one, other] = [plain.slice(a.start, a.end), plain.slice(b.start, b.end)];
      put(host, node, { start: a.start, end: b.end, text: other + plain.slice(a.end, b.start) + one });
    }
  }
  for (const node of program.body) visit(node, node, false);

  function generate(node: AnyNode): string {
    let text = '',
      at = node.start;
    for (const next of children(node)) {
      const inner = generate(next);
      text += plain.slice(at, next.start);
      text += LOOPS.has(node.type) && next === (node as WhileStatement).body ? `{$loop();${inner}}` : inner;
      at = next.end;
    }
    text += plain.slice(at, node.end);
    if (removed.has(node)) text = `{if(!$mutant(${removed.get(node)})){${text}}}`;
    if (left.has(node)) text = `{if($mutant(${left.get(node)}))return;${text.slice(1)}`;
    const faults = hosted.get(node);
    if (!faults) return text;
    const branches = faults.map(({ id, edit }) => {
      const is = plain.slice(node.start, edit.start) + edit.text + plain.slice(edit.end, node.end);
      return `$mutant(${id})?(${is}\n):`;
    });
    return `(${branches.join('')}(${text}))`;
  }
  let code = '',
    at = 0;
  for (const node of program.body) {
    code += plain.slice(at, node.start) + generate(node);
    at = node.end;
  }
  return { code: code + plain.slice(at), mutants };
}

const LOOPS = new Set(['WhileStatement', 'ForStatement', 'ForOfStatement', 'ForInStatement', 'DoWhileStatement']);
const short = (text: string): string => {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= 90 ? line : `${line.slice(0, 60)} … ${line.slice(-27)}`;
};
const isText = (node: AnyNode): boolean =>
  node.type === 'TemplateLiteral' ||
  (node.type === 'Literal' && typeof node.value === 'string') ||
  (node.type === 'BinaryExpression' && node.operator === '+' && (isText(node.left) || isText(node.right)));
/** Whether `next` must stay part of the optional chain that `node` belongs to. */
const spine = (node: AnyNode, next: AnyNode): boolean =>
  node.type === 'ChainExpression' ||
  (node.type === 'MemberExpression' && next === node.object) ||
  (node.type === 'CallExpression' && next === node.callee);

/** Nodes inside that can be evaluated, in their order: no names, no patterns but their defaults. */
function children(node: AnyNode): AnyNode[] {
  const found: AnyNode[] = [];
  for (const [key, value] of Object.entries(node)) {
    if (key === 'key' && !(node as { computed?: boolean }).computed) continue;
    if (key === 'property' && !(node as { computed?: boolean }).computed) continue;
    if (key === 'local' || key === 'exported' || key === 'source' || key === 'label') continue;
    for (const each of Array.isArray(value) ? value : [value])
      if (each && typeof each === 'object' && typeof (each as Node).type === 'string') found.push(each as AnyNode);
  }
  return found.filter(each => each.end > each.start).sort((a, b) => a.start - b.start || b.end - a.end);
}
