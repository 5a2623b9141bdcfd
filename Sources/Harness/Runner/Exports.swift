// The public face: who imports Harness can name what it takes and gives.
@_exported import Causes
@_exported import Expectations
@_exported import Import
@_exported import Journal
@_exported import Language
@_exported import Model
@_exported import Reports
@_exported import Runtimes
@_exported import Vocabulary

import Kernel
import Synchronization

/// Puts right what a command may have inherited from who started it. The first thing that a program of its own does.
public func prepareProcess() {
    ProcessSettings.normalise()
}

/// Does a program's work where there is stack enough for it: on the first thread, or else on one of its own. Blocks until it is done.
public func withEnoughStack(_ body: @escaping @Sendable () -> Int32) -> Int32 {
    guard ProcessSettings.hasSmallStack else { return body() }
    let box = StatusBox()
    guard let thread = try? Thread({ box.status.withLock { $0 = body() } }) else { return body() }
    thread.join()
    return box.status.withLock { $0 }
}

private final class StatusBox: Sendable {
    let status = Mutex<Int32>(0)
}

/// Goes on as the same program from a read-only mount, so that nothing inside a container can change its executable. The first thing that
/// a program of its own does that runs containers; where it cannot be done, it returns and nothing has changed.
///
/// - Parameter arguments: the command line, the program's name first.
public func protectExecutable(_ arguments: [String]) {
    ProcessSettings.sealExecutable(arguments)
}
