import Runtimes
import Testing
import Vocabulary

/// The machine in virtual time: what it is told, and when, stands in a table; what it does is compared to the moment.
@Suite("Docker's stop")
struct DockerStopTests {
    static let start = MonotonicInstant(nanoseconds: 1_000_000_000_000)

    static func at(_ seconds: Double) -> MonotonicInstant { start.advanced(by: .milliseconds(Int(seconds * 1000))) }

    /// Drives the machine until it has finished. `exitsAt`: when PID 1 ends, nil: never.
    static func drive(_ machine: DockerStop, exitsAt: Double?, sendFails: Bool = false) -> [String] {
        var machine = machine
        var log: [String] = []
        var deadline = MonotonicInstant.distantFuture
        var now = start
        var actions = machine.begin(at: now)
        for _ in 0..<20 {
            var isOver = false
            var failed = false
            for action in actions {
                let time = now.duration(since: start).text
                switch action {
                case .send(let signal):
                    log.append("\(time) \(signal)")
                    failed = failed || sendFails
                case .setDeadline(let moment): deadline = moment
                case .noteGraceExpired: log.append("\(time) grace over")
                case .finish: log.append("\(time) finish")
                case .fail: log.append("\(time) fail")
                }
                if case .finish = action { isOver = true }
                if case .fail = action { isOver = true }
            }
            if isOver { return log }
            if failed {
                actions = machine.handle(.sendFailed, at: now)
                if !actions.isEmpty { continue }
            }
            let exit = exitsAt.map(at)
            if let exit, exit <= deadline {
                now = exit
                actions = machine.handle(.exited, at: now)
            } else if deadline == .distantFuture {
                return log + ["waits for ever"]
            } else {
                now = deadline
                actions = machine.handle(.deadline, at: now)
            }
        }
        return log + ["does not end"]
    }

    @Test func anEarlyEndEndsTheWaitAtOnce() {
        #expect(
            Self.drive(DockerStop(signal: .term, grace: .seconds(10)), exitsAt: 0.3) == ["0s SIGTERM", "300ms finish"])
    }

    @Test func killsAtTheEndOfTheGracePeriod() {
        #expect(
            Self.drive(DockerStop(signal: .term, grace: .seconds(10)), exitsAt: 10.001)
                == ["0s SIGTERM", "10s grace over", "10s SIGKILL", "10s1ms finish"])
    }

    @Test func sendsTheSignalAlsoWithoutGrace() {
        #expect(
            Self.drive(DockerStop(signal: .usr1, grace: .zero), exitsAt: 0.001)
                == ["0s SIGUSR1", "0s grace over", "0s SIGKILL", "1ms finish"])
    }

    @Test func aNegativeGraceNeverEnds() {
        #expect(
            Self.drive(DockerStop(signal: .term, grace: .seconds(-1)), exitsAt: nil) == [
                "0s SIGTERM", "waits for ever",
            ])
        #expect(
            Self.drive(DockerStop(signal: .term, grace: .seconds(-1)), exitsAt: 3600) == ["0s SIGTERM", "1h finish"])
    }

    @Test func givesUpTwelveSecondsAfterTheKill() {
        #expect(
            Self.drive(DockerStop(signal: .term, grace: .seconds(1)), exitsAt: nil)
                == ["0s SIGTERM", "1s grace over", "1s SIGKILL", "11s SIGKILL", "13s fail"])
    }

    @Test func waitsTwoSecondsWhenTheSignalCannotBeSent() {
        #expect(
            Self.drive(DockerStop(signal: .term, grace: .seconds(60)), exitsAt: nil, sendFails: true)
                == ["0s SIGTERM", "2s grace over", "2s SIGKILL", "12s SIGKILL", "14s fail"])
    }

    @Test func withoutALimitThereIsNoneForAFailedSignalEither() {
        #expect(
            Self.drive(DockerStop(signal: .term, grace: .seconds(-1)), exitsAt: nil, sendFails: true)
                == ["0s SIGTERM", "waits for ever"])
    }

    @Test func doesNothingAfterTheEnd() {
        var machine = DockerStop(signal: .term, grace: .seconds(1))
        _ = machine.begin(at: Self.start)
        #expect(machine.handle(.exited, at: Self.at(0.1)) == [.finish])
        #expect(machine.handle(.deadline, at: Self.at(1)).isEmpty)
        #expect(machine.handle(.exited, at: Self.at(1)).isEmpty)
    }

    @Test(arguments: 0...255)
    func passesEveryExitStatusThrough(code: Int) {
        #expect(DockerExit.code(of: .exited(Int32(code))) == code)
    }

    @Test(arguments: Signal.all)
    func adds128ToASignal(signal: Signal) {
        #expect(DockerExit.code(of: .signaled(signal, dumpedCore: false)) == 128 + Int(signal.rawValue))
    }

    @Test(arguments: [(Int32(2), 127), (13, 126), (8, 128), (1, 128)])
    func mapsStartFailures(errno: Int32, code: Int) {
        #expect(DockerExit.code(ofStartFailure: errno) == code)
    }
}
