import Glibc
import Harness
import Synchronization

/// Writes a recorded journal while the runs go on: an event is in the file before the run goes on from it, so that a harness
/// that is killed loses the line that it was writing and nothing else.
final class JournalWriter: RunFollower {
    private let descriptor: Int32
    /// `open`: runs whose verdict has not been written.
    private let state = Mutex<(runs: Int, open: Set<Int>, failure: String?)>((0, [], nil))

    /// - Throws: `BadUsage` where the file cannot be made.
    init(path: String) throws(BadUsage) {
        descriptor = try OutputFile.open(path)
    }

    func begin(
        witness: Witness, jobs: Int, speed: Double, planned: Int, id: String, part: Part?, isFlakinessBad: Bool
    ) {
        write {
            try JournalFile.header(
                witness: witness, jobs: jobs, speed: speed, planned: planned, id: id, part: part,
                isFlakinessBad: isFlakinessBad)
        }
    }

    func begin(_ run: BegunRun) -> Int {
        let number = nextNumber()
        state.withLock { _ = $0.open.insert(number) }
        write { try JournalFile.beginning(of: run, number: number) }
        return number
    }

    func learn(_ events: [Event], run: Int, container: String?) {
        write { try JournalFile.lines(of: events, run: run, container: container) }
    }

    func note(_ result: RunResult) {
        if let number = result.number {
            state.withLock { _ = $0.open.remove(number) }
            return write { try JournalFile.verdict(of: result, number: number) }
        }
        let number = nextNumber()
        write { try JournalFile.lines(of: result, number: number) }
    }

    /// - Returns: why not everything could be written; nil: it was.
    func end(_ report: RunReport) -> String? {
        // What was to be made again, and was not, has the verdict that it had.
        for result in report.results {
            if let number = result.number, state.withLock({ $0.open.contains(number) }) { note(result) }
        }
        write { try JournalFile.end(of: report) }
        return state.withLock { $0.failure }
    }

    private func nextNumber() -> Int {
        state.withLock { state in
            state.runs += 1
            return state.runs
        }
    }

    private func write(_ lines: () throws -> String) {
        let text = Result { try lines() }
        state.withLock { state in
            guard state.failure == nil else { return }
            switch text {
            case .success(let text):
                if !CommandLineTool.write(text, to: descriptor) { state.failure = String(cString: strerror(errno)) }
            case .failure(let error): state.failure = "\(error)"
            }
        }
    }

    deinit { close(descriptor) }
}
