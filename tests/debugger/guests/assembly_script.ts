// AssemblyScript, which has no DWARF: lines by its source map, and locals by their names.
//
// builds: O0
// run flags: --invoke run
//
// > break add
// > run
// > at add
// > in assembly_script/add
// > args term = 10, total = 0
// > up
// > at call
// > locals limit = 4
// > down
// > step
// > at returned
// > delete
// > break last
// > continue
// > at last
// > in assembly_script/run
// > p total = 60
// > exits 0

function add(total: i32, term: i32): i32 {
  let sum = total + term; // @add
  return sum; // @returned
}

export function run(): i32 {
  let total = 0;
  let limit = 4;
  for (let i = 1; i < limit; ++i) {
    total = add(total, i * 10); // @call
  }
  return total; // @last
}
