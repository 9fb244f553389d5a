-- Loaded by files.lua: writes one line for each key, sorted.
local report = {}

function report.write(path, totals)
  local keys = {}
  for key in pairs(totals) do keys[#keys + 1] = key end
  table.sort(keys)
  local file <close> = assert(io.open(path, "w"))
  for _, key in ipairs(keys) do
    file:write(("%-10s %10.2f\n"):format(key, totals[key]))
  end
end

return report
