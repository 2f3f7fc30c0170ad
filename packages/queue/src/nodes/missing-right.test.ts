import { missingRight } from './missing-right.ts'

test.each([
  // Redis 6.2, 7.0, 7.2 and Valkey
  [
    "NOPERM this user has no permissions to run the 'config' command or its subcommand",
    'run CONFIG (+config)',
  ],
  ["NOPERM this user has no permissions to run the 'config|get' command", 'run CONFIG GET (+config|get)'],
  ["NOPERM User timers-api has no permissions to run the 'zadd' command", 'run ZADD (+zadd)'],
  [
    'NOPERM this user has no permissions to access one of the keys used as arguments',
    'a key of ours (~timers:*)',
  ],
  ['NOPERM No permissions to access a key', 'a key of ours (~timers:*)'],
  [
    "ERR The user executing the script can't run this command or subcommand script: c7f4, on @user_script:1.",
    'a command that our scripts use',
  ],
  [
    "ERR The user executing the script can't access at least one of the keys mentioned in the command arguments script: c7f4",
    'a key of ours',
  ],
  [
    "ERR ACL failure in script: User timers-api has no permissions to run the 'zadd' command script: c7f4",
    'run ZADD (+zadd)',
  ],
])('%s', (message, words) => {
  expect(missingRight(new Error(message))).toContain(words)
})

test.each([
  new Error('NOAUTH Authentication required.'),
  new Error("ERR unknown command 'config'"),
  undefined,
  'NOPERM',
])('nothing is guessed of %s', (error) => {
  expect(missingRight(error)).toBeUndefined()
})
