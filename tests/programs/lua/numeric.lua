-- Numbers: queens, primes, spectral norm, a Mandelbrot count, 64-bit integer hashing.

local function queens(n)
  local solutions, columns, up, down = 0, {}, {}, {}
  local function place(row)
    if row > n then solutions = solutions + 1 return end
    for c = 1, n do
      if not columns[c] and not up[row + c] and not down[row - c + n] then
        columns[c], up[row + c], down[row - c + n] = true, true, true
        place(row + 1)
        columns[c], up[row + c], down[row - c + n] = false, false, false
      end
    end
  end
  place(1)
  return solutions
end
print("queens", queens(9))

local function sieve(limit)
  local composite, count, sum = {}, 0, 0
  for i = 2, limit do
    if not composite[i] then
      count, sum = count + 1, sum + i
      for j = i * i, limit, i do composite[j] = true end
    end
  end
  return count, sum
end
print("primes", sieve(600000))

local function spectral_norm(n)
  local function a(i, j) return 1 / ((i + j) * (i + j + 1) // 2 + i + 1) end
  local function multiply(v, transposed)
    local result = {}
    for i = 0, n - 1 do
      local sum = 0
      for j = 0, n - 1 do sum = sum + (transposed and a(j, i) or a(i, j)) * v[j] end
      result[i] = sum
    end
    return result
  end
  local u, v = {}, nil
  for i = 0, n - 1 do u[i] = 1 end
  for _ = 1, 4 do
    v = multiply(multiply(u, false), true)
    u = multiply(multiply(v, false), true)
  end
  local uv, vv = 0, 0
  for i = 0, n - 1 do uv, vv = uv + u[i] * v[i], vv + v[i] * v[i] end
  return math.sqrt(uv / vv)
end
print("spectral norm", string.format("%.9f", spectral_norm(120)))

local inside = 0
for row = 0, 99 do
  for column = 0, 99 do
    local cr, ci, x, y, steps = column / 40 - 2, row / 50 - 1, 0.0, 0.0, 0
    while steps < 60 and x * x + y * y <= 4 do
      x, y, steps = x * x - y * y + cr, 2 * x * y + ci, steps + 1
    end
    if steps == 60 then inside = inside + 1 end
  end
end
print("mandelbrot", inside)

local hash = 0xcbf29ce484222325
for i = 1, 1000000 do hash = (hash ~ (i & 255)) * 0x100000001b3 end
print("fnv", string.format("%016x", hash))

print("functions", string.format("%.12g %.12g %.12g %.12g", math.sin(1), math.exp(1), math.log(10), math.fmod(-7.5, 2)))
print("rounding", math.floor(-1.5), math.ceil(-1.5), math.ult(1, -1), math.abs(math.mininteger), 5 // 0.0, -5 % math.huge)
