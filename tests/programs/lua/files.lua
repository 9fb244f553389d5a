-- Files: reading, writing, seeking, appending, renaming and removing them. Runs in a directory with orders.csv and
-- lib/report.lua in it.

local function shown(...)
  local values = table.pack(...)
  for i = 1, values.n do values[i] = tostring(values[i]) end
  return table.concat(values, ", ")
end

-- The message without the number of the error, which is the system's own.
local function complaint(result, message)
  return shown(result, message)
end

local function write(path, mode, ...)
  local file = assert(io.open(path, mode))
  for _, text in ipairs({...}) do assert(file:write(text)) end
  assert(file:close())
end

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("a")
  file:close()
  return text
end

-- A file somebody else wrote, and code from one.
local report = dofile("lib/report.lua")
local totals, count = {}, 0
for line in io.lines("orders.csv") do
  local item, pieces, price = line:match("^(%a+),(%d+),([%d.]+)$")
  if item then
    totals[item] = (totals[item] or 0) + pieces * price
    count = count + 1
  else
    print("not an order: " .. line)
  end
end
print(count .. " orders")
report.write("report.txt", totals)
io.write(read("report.txt"))
print(loadfile("nothing.lua"))

-- Ways of reading.
write("numbers", "w", "12 0x1F -3.5e2\nrest of the line\n\nlast line without an end")
local file = io.open("numbers")
print(shown(file:read("n", "n", "n")))
print(shown(file:read("l", "L", "l", "l", "l")))
print(shown(file:seek("set", 3)), shown(file:read(4)), shown(file:seek("cur")))
print(shown(file:seek("end", -3)), shown(file:read("a")), shown(file:read(0)), shown(file:read("a")))
print(complaint(file:seek("set", -1)))
file:close()
print(io.type(file), tostring(file))
for a, b in io.lines("numbers", 1, "l") do io.write("[", a, "|", tostring(b), "]") end
print()

-- Reading and writing in one file, in the middle and beyond the end.
write("both", "wb", ("0123456789"):rep(10))
file = io.open("both", "r+b")
file:seek("set", 50)
file:write("fifty")
file:seek("cur", 0)
print(file:read(5), file:seek())
file:seek("end", 20)
file:write("far")
file:close()
print(#read("both"), (read("both"):gsub("%z", ".")))
write("both", "a", " and", " more")
file = io.open("both", "a+")
print(file:read(10), file:write("!") == file, file:seek("cur") == file:seek("end"))
file:close()
print(#read("both"))
write("both", "w", "short now")
print(read("both"))

-- A file that is larger than all buffers, by lines of all lengths, with every way of buffering.
for _, mode in ipairs({"no", "line", "full"}) do
  local path = "large-" .. mode
  file = io.open(path, "w")
  print(mode, file:setvbuf(mode, 512))
  local sum = 0
  for number = 1, mode == "full" and 4000 or 400 do
    local line = ("%d:"):format(number) .. ("x"):rep(number % 97)
    file:write(line, "\n")
    sum = sum + #line
  end
  file:flush()
  print(file:seek("end"))
  file:close()
  local seen = 0
  for line in io.lines(path) do seen = seen + #line end
  print(sum, seen, sum == seen)
end

-- The default files.
io.output("printed")
io.write("by io.write\n", 1, " ", 2.5, "\n")
io.close()
io.output(io.stdout)
io.input("printed")
print(io.read("L", "n", "n"))
io.close(io.input())
io.input(io.stdin)

-- Names.
print(os.rename("printed", "renamed"))
print(complaint(os.rename("printed", "elsewhere")))
print(os.rename("renamed", "numbers"))
print(read("numbers"))
print(complaint(io.open("printed")))
print(complaint(io.open("lib/none/x", "w")))
print(complaint(io.open("numbers/x")))
print(complaint(io.open("lib", "w")))
print(complaint(os.remove("renamed")))
print(complaint(os.remove("lib")))
print(os.remove("large-no"), os.remove("large-line"))
print(os.remove("lib/report.lua"), os.remove("lib"))
print(complaint(io.open("lib/report.lua")))

-- Many at once.
local open = {}
for number = 1, 50 do open[number] = io.open("many", "a") end
for number, one in ipairs(open) do one:write(number, " ") end
for number = 50, 1, -1 do open[number]:close() end
print(read("many"))
do
  local left <close> = io.open("left", "w")
  left:write("closed by leaving the block")
end
print(read("left"))
io.open("unclosed", "w"):write("written when Lua ends")
