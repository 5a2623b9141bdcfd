import Journal
import Kernel
import Vocabulary

/// The processes below a PID 1 as /proc shows them now, PID 1 included.
package func census(under root: ProcessID) -> Event {
    let entries = ProcFS.tree(under: root).map {
        CensusEntry(pid: $0.pid, parent: $0.parent, name: $0.name, isZombie: $0.isZombie)
    }
    return Event(at: .now, .kernel(.census(entries)))
}

/// The same for processes that are known: for each that has exited, whether something is left of it.
///
/// A walk can miss a process that is being handed from one parent to another; asking for each by its number cannot.
package func census(under root: ProcessID, including known: [ProcessID]) -> Event {
    var entries: [ProcessID: CensusEntry] = [:]
    let began = MonotonicInstant.now
    guard case .kernel(.census(let walked)) = census(under: root).kind else { return census(under: root) }
    for entry in walked { entries[entry.pid] = entry }
    for pid in known where entries[pid] == nil {
        guard let process = ProcFS.process(pid) else { continue }
        entries[pid] = CensusEntry(
            pid: pid, parent: process.parent, name: process.name, isZombie: process.isZombie)
    }
    return Event(at: began, .kernel(.census(entries.values.sorted { $0.pid < $1.pid })))
}
