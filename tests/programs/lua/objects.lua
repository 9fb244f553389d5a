-- Closures, metatables, inheritance, varargs, goto, integer division, garbage: what a language is made of.

-- Closures that share and that do not share a variable.
local function counter()
  local n = 0
  return function() n = n + 1 return n end, function() return n end
end
local up, now = counter()
local other = counter()
for _ = 1, 100000 do up() end
other()
print("closures", now(), other())

-- Classes with single inheritance.
local Shape = {}
Shape.__index = Shape
function Shape.new(class, fields) return setmetatable(fields, class) end
function Shape:area() return 0 end
function Shape:describe() return string.format("%s of area %.3f", self.name, self:area()) end

local Circle = setmetatable({ name = "circle" }, { __index = Shape })
Circle.__index = Circle
function Circle:area() return math.pi * self.r ^ 2 end

local Square = setmetatable({ name = "square" }, { __index = Shape })
Square.__index = Square
function Square:area() return self.side * self.side end

local total = 0
for i = 1, 300000 do
  local shape = i % 2 == 0 and Shape.new(Circle, { r = i % 10 }) or Shape.new(Square, { side = i % 7 })
  total = total + shape:area()
end
print("classes", string.format("%.6f", total), Shape.new(Circle, { r = 2 }):describe())

-- A number type by metamethods: fractions.
local Fraction = {}
Fraction.__index = Fraction
local function gcd(a, b)
  while b ~= 0 do a, b = b, a % b end
  return a
end
local function fraction(p, q)
  local d = gcd(p, q)
  return setmetatable({ p = p // d, q = q // d }, Fraction)
end
Fraction.__add = function(a, b) return fraction(a.p * b.q + b.p * a.q, a.q * b.q) end
Fraction.__mul = function(a, b) return fraction(a.p * b.p, a.q * b.q) end
Fraction.__eq = function(a, b) return a.p == b.p and a.q == b.q end
Fraction.__lt = function(a, b) return a.p * b.q < b.p * a.q end
Fraction.__tostring = function(a) return a.p .. "/" .. a.q end
Fraction.__concat = function(a, b) return tostring(a) .. tostring(b) end
Fraction.__len = function(a) return a.q end
Fraction.__call = function(a, x) return a.p * x / a.q end

local telescope = fraction(0, 1)
for i = 1, 20000 do telescope = telescope + fraction(1, i * (i + 1)) end -- 1 - 1/20001
print("fractions", telescope .. " ", #telescope, telescope == fraction(20000, 20001), telescope < fraction(1, 1), telescope(20001))

-- Defaults computed on demand, and a table that refuses writes without raising an error.
local squares = setmetatable({}, { __index = function(t, k) local v = k * k rawset(t, k, v) return v end })
local refused = 0
local sealed = setmetatable({}, { __newindex = function() refused = refused + 1 end, __pairs = function() return next, { a = 1 } end })
sealed.x = 1
sealed.y = 2
for k, v in pairs(sealed) do print("pairs", k, v) end
print("sealed", squares[12], rawget(squares, 12), refused, rawlen({ 1, 2, 3 }))

-- Varargs, multiple results, tail calls.
local function count(...) return select("#", ...), ... end
print("varargs", count(nil, 2, nil))
local function loop(n, sum) if n == 0 then return sum end return loop(n - 1, sum + n) end
print("tail calls", loop(1000000, 0))
print("pcall", pcall(function(a, b) return a + b, "fine" end, 3, 4))

-- Iterators without coroutines, goto, to-be-closed variables.
local function permutations(items)
  local c, n, i, first = {}, #items, 1, true
  for k = 1, n do c[k] = 1 end
  return function()
    if first then first = false return items end
    while i <= n do
      if c[i] < i then
        local j = i % 2 == 1 and 1 or c[i]
        items[j], items[i] = items[i], items[j]
        c[i] = c[i] + 1
        i = 1
        return items
      end
      c[i] = 1
      i = i + 1
    end
  end
end
local n, mix = 0, 0
for p in permutations({ 1, 2, 3, 4, 5, 6, 7, 8 }) do
  n = n + 1
  mix = (mix * 31 + p[1] * 10 + p[8]) % 1000003
end
print("permutations", n, mix)
local odd = 0
for i = 1, 10 do
  if i % 2 == 0 then goto continue end
  odd = odd + i
  ::continue::
end
do
  local closed <close> = setmetatable({}, { __close = function() print("closed") end })
  print("goto", odd)
end

-- Integers and floats.
print("numbers", 7 // 2, -7 // 2, 7 % -3, 7.5 // 2, 1 << 62, ~0, 3 | 4, math.maxinteger + 1 == math.mininteger, 10 / 2, 2 ^ 53, "10" + 5)
print("conversions", math.tointeger(3.0), tonumber("0x1p4"), tonumber("zz", 36), math.type(1), math.type(1.0), 1e15, 1e16, 0.1, -0.0)

-- Garbage: trees that live and die; weak tables; finalizers.
local function tree(depth) return depth == 0 and {} or { tree(depth - 1), tree(depth - 1) } end
local function size(t) return t[1] and 1 + size(t[1]) + size(t[2]) or 1 end
local nodes = 0
for i = 1, 24 do nodes = nodes + size(tree(i % 4 + 11)) end
local weak, finalized = setmetatable({}, { __mode = "v" }), 0
for i = 1, 1000 do weak[i] = setmetatable({}, { __gc = function() finalized = finalized + 1 end }) end
collectgarbage()
collectgarbage()
print("garbage", nodes, next(weak), finalized)
