class Heap {
  #items = [];
  #before;
  constructor(before) { this.#before = before; }
  get size() { return this.#items.length; }
  push(item) {
    const items = this.#items;
    items.push(item);
    for (let at = items.length - 1; at > 0;) {
      const up = (at - 1) >> 1;
      if (!this.#before(items[at], items[up])) break;
      [items[at], items[up]] = [items[up], items[at]];
      at = up;
    }
  }
  pop() {
    const items = this.#items, top = items[0], last = items.pop();
    if (items.length) {
      items[0] = last;
      for (let at = 0; ;) {
        let least = at;
        for (const child of [2 * at + 1, 2 * at + 2]) {
          if (child < items.length && this.#before(items[child], items[least])) least = child;
        }
        if (least === at) break;
        [items[at], items[least]] = [items[least], items[at]];
        at = least;
      }
    }
    return top;
  }
}

function find(maze, letter) {
  for (const [y, row] of maze.entries()) if (row.includes(letter)) return { x: row.indexOf(letter), y };
  throw new Error(`no ${letter} in the maze`);
}

function solve(maze) {
  const start = find(maze, "S"), goal = find(maze, "G");
  const key = ({ x, y }) => `${x},${y}`;
  const guess = ({ x, y }) => Math.abs(x - goal.x) + Math.abs(y - goal.y);
  const open = new Heap((a, b) => a.total - b.total < 0 || (a.total === b.total && a.order < b.order));
  const cost = new Map([[key(start), 0]]), from = new Map();
  let order = 0;
  open.push({ ...start, total: guess(start), order });
  while (open.size) {
    const here = open.pop();
    if (here.x === goal.x && here.y === goal.y) {
      const path = [here];
      while (from.has(key(path[0]))) path.unshift(from.get(key(path[0])));
      return { path, settled: order };
    }
    for (const [dx, dy] of [[1, 0], [0, 1], [-1, 0], [0, -1]]) {
      const next = { x: here.x + dx, y: here.y + dy };
      const spent = cost.get(key(here)) + 1;
      if ("#".includes(maze[next.y]?.[next.x] ?? "#") || spent >= (cost.get(key(next)) ?? Infinity)) continue;
      cost.set(key(next), spent);
      from.set(key(next), here);
      open.push({ ...next, total: spent + guess(next), order: ++order });
    }
  }
  return null;
}

const { path } = solve(input.maze);
const drawn = input.maze.map((row) => [...row]);
for (const { x, y } of path.slice(1, -1)) drawn[y][x] = "*";
console.log(drawn.map((row) => row.join("")).join("\n"));
result = { steps: path.length - 1, closed: solve(["S#G"]) };
