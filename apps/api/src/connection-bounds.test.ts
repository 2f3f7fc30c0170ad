import { connectionBounds } from './connection-bounds.ts'

describe('the bounds on connections', () => {
  it.each([
    [{}, undefined, 10_000, 5_000],
    [{}, 1_048_576, 10_000, 5_000],
    [{}, 1_024, 960, 480],
    [{}, 256, 192, 96],
    [{}, 64, 32, 16],
    [{ MAX_CONNECTIONS: 50_000 }, 1_048_576, 50_000, 25_000],
    [{ MAX_CONNECTIONS: 50_000 }, 1_024, 960, 480],
    [{ MAX_CONNECTIONS: 1 }, 1_024, 1, 1],
    [{ MAX_CONNECTIONS_PER_ADDRESS: 7 }, undefined, 10_000, 7],
    [{ MAX_CONNECTIONS: 10, MAX_CONNECTIONS_PER_ADDRESS: 20 }, undefined, 10, 10],
  ])('with %j and %s descriptors are %i and %i', (settings, limit, total, perAddress) => {
    expect(connectionBounds(settings, limit)).toEqual({ total, perAddress })
  })
})
