-- Sees to it that a thread is due in so many milliseconds, or earlier.
--
-- KEYS   due
-- ARGV   1  in how many milliseconds
--        2  the thread
-- Reply  1

-- include time
-- include arming

arm(KEYS[1], ARGV[2], ARGV[1])
return 1
