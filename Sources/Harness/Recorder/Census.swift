import Journal
import Kernel
import Vocabulary

/// The processes below a PID 1 as /proc shows them now, PID 1 included; for a witness that has no trace.
///
/// - Throws: what kept /proc from being read, other than the end of a process.
package func census(under root: ProcessID, at instant: MonotonicInstant) throws(Errno) -> Event {
    let entries = try ProcFS.tree(under: root).map {
        CensusEntry(pid: $0.pid, parent: $0.parent, name: $0.name, isZombie: $0.isZombie)
    }
    return Event(at: instant, .kernel(.census(entries)))
}

/// Which of these processes, all of which have exited, are there no more. Nil when all are.
///
/// Each is asked for by its number: a walk could miss one that is being handed from one parent to another. One that is
/// there but no zombie is on its way: the kernel tells of an exit before it makes the zombie (do_exit in kernel/exit.c).
///
/// - Throws: what kept /proc from being read, other than the end of a process.
package func absence(of exited: [ProcessID], at instant: MonotonicInstant) throws(Errno) -> Event? {
    var absent: [ProcessID] = []
    for pid in exited where try ProcFS.find(pid) == nil { absent.append(pid) }
    return absent.isEmpty ? nil : Event(at: instant, .kernel(.absent(absent)))
}
