import Kernel
import Model
import Reports
import Vocabulary

extension Session {
    /// The jobs of one of several parts that take about as long: the same on each machine.
    ///
    /// - Parameter known: how long a scenario takes with an init (`Job.subject`), the same on each machine; where it answers nil, the scenario's
    ///   text decides.
    public static func part(
        _ part: Part, of jobs: [Job], known: (Scenario, String) -> Duration? = { _, _ in nil }
    ) -> [Job] {
        let durations = jobs.map { job in
            (known(job.scenario, job.subject) ?? job.scenario.expectedDuration) + .milliseconds(50)
        }
        var sums = [Duration](repeating: .zero, count: part.count)
        var parts = [Int](repeating: 0, count: jobs.count)
        // Long ones first, each to the part that has least.
        for index in jobs.indices.sorted(by: { (durations[$1], $0) < (durations[$0], $1) }) {
            let least = sums.indices.min { sums[$0] < sums[$1] } ?? 0
            sums[least] += durations[index]
            parts[index] = least
        }
        return zip(jobs, parts).filter { $0.1 == part.number - 1 }.map(\.0)
    }

    /// How long jobs take in all, by the last run, with the processors that there are.
    public func expectedSeconds(of jobs: [Job], by history: DurationHistory) -> Double {
        let whole = jobs.map { history.duration(of: $0) ?? .milliseconds(60) }.reduce(Duration.zero, +)
        // Most of a scenario is waiting.
        return whole.inMilliseconds / 1000 / 8
    }

    /// Does something after a time, on a thread of its own, unless the process ends before.
    public func after(_ time: Duration, _ body: @escaping @Sendable () -> Void) {
        let thread = try? Thread {
            var poller = Poller()
            try? poller.wait(until: .now.advanced(by: time))
            body()
        }
        thread?.detach()
    }
}
