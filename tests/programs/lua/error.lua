-- An error below pcall: this build cannot catch it, so the program ends with status 1.
print("before")
pcall(function() local t = nil; t.x = 1 end)
print("never")
