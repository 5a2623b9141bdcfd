import Glibc
import Harness
import Synchronization

/// Writes a recorded journal as the run goes on: the lines of each scenario's run when it is over.
final class JournalWriter: Sendable {
    private let descriptor: Int32
    private let state = Mutex<(runs: Int, failure: String?)>((0, nil))

    /// - Throws: `BadUsage` where the file cannot be made.
    init(path: String) throws(BadUsage) {
        descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        if descriptor < 0 { throw BadUsage(message: "\(path): \(String(cString: strerror(errno)))") }
    }

    func begin(witness: Witness, jobs: Int, speed: Double, planned: Int) {
        write { _ in try JournalFile.header(witness: witness, jobs: jobs, speed: speed, planned: planned) }
    }

    func note(_ result: RunResult) {
        write { runs in
            runs += 1
            return try JournalFile.lines(of: result, number: runs)
        }
    }

    /// - Returns: why not everything could be written; nil: it was.
    func end(_ report: RunReport) -> String? {
        write { _ in try JournalFile.end(of: report) }
        return state.withLock { $0.failure }
    }

    private func write(_ lines: (inout Int) throws -> String) {
        state.withLock { state in
            guard state.failure == nil else { return }
            do {
                let text = try lines(&state.runs)
                if !CommandLineTool.write(text, to: descriptor) { state.failure = String(cString: strerror(errno)) }
            } catch {
                state.failure = "\(error)"
            }
        }
    }

    deinit { close(descriptor) }
}
