import { Installation, type InstallationOptions } from '@timers/lab'

/** Starts installations for the tests of a file, and closes each after its test. */
export function installations(): (options?: InstallationOptions) => Promise<Installation> {
  const started: Installation[] = []
  afterEach(() => Promise.all(started.splice(0).map((installation) => installation.close())))
  return async (options) => {
    const installation = await Installation.start(options)
    started.push(installation)
    return installation
  }
}
