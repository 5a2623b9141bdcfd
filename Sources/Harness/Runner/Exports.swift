// The public face: who imports Harness can name what it takes and gives.
@_exported import Expectations
@_exported import Journal
@_exported import Language
@_exported import Model
@_exported import Reports
@_exported import Runtimes
@_exported import Vocabulary

import Kernel

/// Puts right what a command may have inherited from who started it. The first thing that a program of its own does.
public func prepareProcess() {
    ProcessSettings.normalise()
}
