import Model
import Runtimes
import Testing
import Vocabulary

/// Health checks in virtual time.
@Suite("Health checks")
struct HealthMonitorTests {
    private static let begin = MonotonicInstant(nanoseconds: 1_000_000_000_000)

    private static func monitor(
        _ runtime: RuntimeRules = .docker, interval: Duration? = .seconds(1), retries: Int? = nil,
        startPeriod: Duration? = nil
    ) -> HealthMonitor {
        HealthMonitor(
            HealthCheck(["check"], interval: interval, retries: retries, startPeriod: startPeriod),
            runtime.healthDefaults)
    }

    /// moby, daemon/health.go: the first comes after an interval; three failures in a row are too many.
    @Test func threeFailuresInARow() {
        var monitor = Self.monitor()
        #expect(monitor.started(at: Self.begin) == [.wake(after: .seconds(1))])
        var found: [[HealthMonitor.Command]] = []
        for code in [1, 1, 0, 1, 1, 1, 0] {
            #expect(monitor.due() == [.run(["check"], limit: .seconds(30))])
            found.append(monitor.checked(code: code, at: Self.begin))
        }
        let again = HealthMonitor.Command.wake(after: .seconds(1))
        #expect(
            found == [
                [again], [again], [.became(.healthy), again], [again], [again], [.became(.unhealthy), again],
                [.became(.healthy), again],
            ])
    }

    /// The API: a liveness probe comes at once, then every ten seconds, for a second at most.
    @Test func aLivenessProbe() {
        var monitor = Self.monitor(.kubernetes, interval: nil)
        #expect(monitor.started(at: Self.begin) == [.wake(after: .zero)])
        #expect(monitor.due() == [.run(["check"], limit: .seconds(1))])
        #expect(monitor.checked(code: 0, at: Self.begin) == [.became(.healthy), .wake(after: .seconds(10))])
    }

    /// Failures of the start period do not count, until one check has succeeded.
    @Test(arguments: [(4, HealthMonitor.Health.starting), (6, .unhealthy)])
    func theStartPeriod(seconds: Int, health: HealthMonitor.Health) {
        var monitor = Self.monitor(retries: 1, startPeriod: .seconds(5))
        _ = monitor.started(at: Self.begin)
        _ = monitor.due()
        _ = monitor.checked(code: 1, at: Self.begin.advanced(by: .seconds(seconds)))
        #expect(monitor.health == health)
    }

    @Test func aSuccessEndsTheStartPeriod() {
        var monitor = Self.monitor(retries: 1, startPeriod: .seconds(5))
        _ = monitor.started(at: Self.begin)
        for code in [0, 1] {
            _ = monitor.due()
            _ = monitor.checked(code: code, at: Self.begin.advanced(by: .seconds(1)))
        }
        #expect(monitor.health == .unhealthy)
    }

    /// From Docker 25 on: every five seconds in the start period, also where the interval is shorter.
    @Test(arguments: [(24, Duration.seconds(1)), (25, .seconds(5))])
    func theStartInterval(version: Int, delay: Duration) {
        var monitor = Self.monitor(RuntimeRules.docker.of(version: version), startPeriod: .seconds(60))
        #expect(monitor.started(at: Self.begin) == [.wake(after: delay)])
        _ = monitor.due()
        #expect(monitor.checked(code: 1, at: Self.begin.advanced(by: .seconds(5))) == [.wake(after: delay)])
    }

    /// What is frozen is not looked at, and a check that was under way says nothing.
    @Test func nothingIsLookedAtWhileItIsPaused() {
        var monitor = Self.monitor()
        _ = monitor.started(at: Self.begin)
        _ = monitor.due()
        #expect(monitor.paused() == [.wake(after: nil)])
        #expect(monitor.checked(code: 1, at: Self.begin) == [])
        #expect(monitor.resumed() == [.wake(after: .seconds(1))])
        #expect(monitor.due() == [.run(["check"], limit: .seconds(30))])
    }

    @Test func eachLifeBeginsAnew() {
        var monitor = Self.monitor()
        _ = monitor.started(at: Self.begin)
        _ = monitor.due()
        _ = monitor.checked(code: 0, at: Self.begin)
        #expect(monitor.ended() == [.wake(after: nil)])
        #expect(monitor.due() == [] && monitor.resumed() == [])
        _ = monitor.started(at: Self.begin)
        #expect(monitor.health == .starting)
    }
}
