-- One thread a client (wrk -tN -cN), so that request() and response() take turns and each latency is exact; wrk's own
-- are changed by its correction for coordinated omission, which a closed loop has no use for.
local ffi = require("ffi")
ffi.cdef [[
typedef struct { long s; long ns; } moment;
int clock_gettime(int clock, moment *at);
]]
local CLOCK_MONOTONIC = 1
local BYTES_A_CLIENT = 8 * 1024 * 1024
local at = ffi.new("moment")
local threads = {}

local function now()
  ffi.C.clock_gettime(CLOCK_MONOTONIC, at)
  return tonumber(at.s) + tonumber(at.ns) * 1e-9
end

function setup(thread)
  thread:set("number", #threads)
  table.insert(threads, thread)
end

-- File of requests, each after a line with its length; from when to when answers count, on the monotonic clock.
function init(args)
  counts_from, counts_until = tonumber(args[2]), tonumber(args[3])
  latencies, statuses, requests, turn = {}, {}, {}, 0
  local places = {}
  local file = assert(io.open(args[1], "rb"))
  while true do
    local length = file:read("*l")
    if not length then break end
    table.insert(places, {file:seek(), tonumber(length)})
    file:seek("cur", tonumber(length))
  end
  -- Each client begins with another one, and takes as many as fit.
  local bytes = 0
  for i = 0, #places - 1 do
    local place = places[(number + i) % #places + 1]
    bytes = bytes + place[2]
    if i > 0 and bytes > BYTES_A_CLIENT then break end
    file:seek("set", place[1])
    table.insert(requests, file:read(place[2]))
  end
  file:close()
end

function request()
  turn = turn % #requests + 1
  sent = now()
  return requests[turn]
end

function response(status)
  local came = now()
  if came >= counts_from and came < counts_until then
    if status == 200 then table.insert(latencies, came - sent) end
    local name = tostring(status)
    statuses[name] = (statuses[name] or 0) + 1
  end
end

function done(summary)
  local all, counts = {}, {}
  for _, thread in ipairs(threads) do
    for _, latency in ipairs(thread:get("latencies")) do table.insert(all, string.format("%.6f", latency)) end
    for name, count in pairs(thread:get("statuses")) do counts[name] = (counts[name] or 0) + count end
  end
  local parts = {}
  for name, count in pairs(counts) do table.insert(parts, string.format('"%s": %d', name, count)) end
  local errors = summary.errors
  print("JSON " .. string.format('{"errors": %d, "statuses": {%s}, "latencies": [%s]}',
    errors.connect + errors.read + errors.write + errors.timeout, table.concat(parts, ", "), table.concat(all, ", ")))
end
