import Glibc
import Harness
import Synchronization

/// Says how far a run is: a line on a terminal; else a line for each failure as it happens.
final class Progress: Sendable {
    private let total: Int
    private let isShown: Bool
    private let width: Int?
    private let accepted: Accepted
    /// How long it takes, as far as is known.
    private let expected: Double?
    private let began = ContinuousClock.now
    private let state = Mutex(State())
    /// A terminal need not be told more often.
    private static let interval = Duration.milliseconds(50)

    private struct State {
        var done = 0
        var bad = 0
        var shownAt = ContinuousClock.now
        /// Sweeps whose length has been said.
        var announced: Set<String> = []
    }

    /// Without a terminal a sweep that takes longer is announced, once a few of its runs are over.
    private static let longSweep = (time: Duration.seconds(10), runs: 5)

    init(of jobs: [Session.Job], accepted: Accepted, isShown: Bool, seconds: Double?) {
        (total, self.accepted, self.isShown, expected) = (jobs.count, accepted, isShown, seconds)
        width = isatty(STDERR_FILENO) == 1 ? CommandLineTool.width(of: STDERR_FILENO) ?? 80 : nil
    }

    func note(_ result: RunResult) {
        guard isShown else { return }
        let isBad = result.isBad && !accepted.covers(result)
        state.withLock { state in
            state.done += 1
            if isBad { state.bad += 1 }
            guard let width else {
                if isBad {
                    let place = result.scenario.place
                    let word = if case .error = result.verdict { "ERROR" } else { "FAILED" }
                    CommandLineTool.write(
                        "\(word)  \(result.subject): \(result.scenario.title) (\(place.file):\(place.line))\n",
                        to: STDERR_FILENO)
                }
                return
            }
            show(
                "\(state.done)/\(total)  \(state.bad) failed\(rest(state.done, .now))  \(result.subject): \(result.scenario.row)",
                width, &state)
        }
    }

    /// How far a sweep is, one of the runs that are not over.
    func note(_ sweep: SweepProgress) {
        guard isShown else { return }
        let left = Int((sweep.left / Duration.seconds(1)).rounded())
        let text = "sweep \(sweep.done)/\(sweep.total), \(left) s left  \(sweep.title)"
        state.withLock { state in
            guard let width else {
                if sweep.left >= Progress.longSweep.time, sweep.done >= Progress.longSweep.runs,
                    state.announced.insert(sweep.title).inserted
                {
                    CommandLineTool.write("\(text)\n", to: STDERR_FILENO)
                }
                return
            }
            show(text, width, &state)
        }
    }

    private func show(_ text: String, _ width: Int, _ state: inout State) {
        let now = ContinuousClock.now
        guard now - state.shownAt >= Progress.interval else { return }
        state.shownAt = now
        CommandLineTool.write("\r\u{1B}[K\(text.prefix(width - 1))", to: STDERR_FILENO)
    }

    /// ", 12 s left"
    private func rest(_ done: Int, _ now: ContinuousClock.Instant) -> String {
        let (seconds, attoseconds) = (now - began).components
        let elapsed = Double(seconds) + Double(attoseconds) / 1e18
        guard elapsed > 1, done > 0 else { return "" }
        let byCount = elapsed * Double(total - done) / Double(done)
        let left = expected.map { max(0, $0 - elapsed) } ?? byCount
        return ", \(Int(max(left, min(byCount, 1)).rounded())) s left"
    }

    func end() {
        if isShown, width != nil { CommandLineTool.write("\r\u{1B}[K", to: STDERR_FILENO) }
    }
}
