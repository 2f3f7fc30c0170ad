/** Most shards that an installation may have: what settings, commands and advice take for the end. */
export const MOST_SHARDS = 1_024
