import Expectations
import Journal
import Model
import Reports
import Testing
import Vocabulary

@Suite("Verdicts")
struct VerdictTests {
    private static let place = SourcePlace(file: "x.scenario", line: 7, column: 3)

    private func scenario(_ actions: Step.Action...) -> Scenario {
        var scenario = Scenario(title: "x", place: Self.place)
        scenario.steps = actions.map { Step($0, place: Self.place) }
        return scenario
    }

    @Test func whatCameLaterDoesNotCount() {
        var story = Story()
        story.add(.mark(.asked(step: 0)))
        story.add(.said(.ready, by: Story.app))
        story.add(.mark(.asked(step: 1)))
        let ready = Expectation(.ready([.service("app")]))
        guard
            case .failed(let failures) = verdict(
                on: scenario(.expect(ready), .expect(ready)), story.journal, interruption: nil)
        else { return #expect(Bool(false), "passed") }
        #expect(failures.count == 1)
        #expect(failures[0].place == Self.place)
        #expect(failures[0].expected == "expect app ready")
    }

    @Test func noTurnsTheAnswerRoundButNotTheUnknown() {
        var story = Story()
        story.add(.mark(.asked(step: 0)))
        #expect(
            verdict(
                on: scenario(.expect(Expectation(.ready([.service("app")]), isNegated: true))), story.journal,
                interruption: nil) == .passed)
        var blind = Story(witness: .procfs(reason: "no tracefs"))
        blind.add(.mark(.asked(step: 0)))
        let outcome = verdict(
            on: scenario(.expect(Expectation(.nobodyKilled, isNegated: true))), blind.journal, interruption: nil)
        if case .error = outcome { return }
        Issue.record("\(outcome)")
    }

    @Test func anExpectationThatWasNeverAskedIsAnError() {
        let outcome = verdict(
            on: scenario(.start, .expect(Expectation(.exitCode(0)))), Story().journal, interruption: nil)
        if case .error = outcome { return }
        Issue.record("\(outcome)")
    }

    @Test func anInterruptionIsAFailure() {
        let interruption = Failure(place: Self.place, .continuation, observed: "gone")
        let outcome = verdict(
            on: scenario(.start, .expect(Expectation(.exitCode(0)))), Story().journal, interruption: interruption)
        #expect(outcome == .failed([interruption]))
    }

    @Test func evidenceStandsInTheOrderOfTimeAndOnce() {
        var story = Story()
        story.add(.runtime(.stopRequested(.term, grace: .seconds(1))))
        story.send(.term, to: Story.initPID, fate: .ignored)
        story.add(.runtime(.graceExpired))
        story.send(.kill, to: Story.initPID)
        story.end(.signaled(.kill, dumpedCore: false))
        story.add(.mark(.asked(step: 0)))
        guard
            case .failed(let failures) = verdict(
                on: scenario(.expect(Expectation(.exitCode(0)))), story.journal, interruption: nil)
        else { return #expect(Bool(false), "passed") }
        let view = JournalView(story.journal)
        #expect(
            failures[0].evidence.map { view.line($0.event) }
                == [
                    " 11.0 ms  runtime  stop: SIGTERM, then 1s",
                    " 12.0 ms  kernel   SIGTERM from outside to PID 1 (tini): dropped by the kernel: it has no handler for SIGTERM, or ignores it",
                    " 13.0 ms  runtime  the grace period is over",
                    " 14.0 ms  kernel   SIGKILL from outside to PID 1 (tini): queued",
                    " 16.0 ms  runtime  PID 1 died of SIGKILL",
                ].map { "  " + $0 }.map { String($0.dropFirst(1)) })
    }

    /// The kernel drops every signal for a process that one is ending already (prepare_signal in kernel/signal.c).
    @Test func whatComesAfterSIGKILLWasNotDroppedForWantOfAHandler() throws {
        var story = Story()
        story.send(.chld, to: Story.initPID, from: Story.app, fate: .ignored)
        story.send(.kill, to: Story.initPID)
        story.send(.chld, to: Story.initPID, from: Story.app, fate: .ignored)
        story.end(.signaled(.kill, dumpedCore: false))
        let view = JournalView(story.journal)
        let drops = story.journal.events.map { view.line($0) }.filter { $0.contains("dropped") }
        #expect(drops.count == 2)
        #expect(drops.first?.hasSuffix("it has no handler for SIGCHLD, or ignores it") == true)
        #expect(drops.last?.hasSuffix("it is ending already") == true)
    }

    @Test func aProgramThatCannotBeExecutedHasTheRuntimesStatus() {
        var journal = Journal(witness: .tracefs)
        journal.append(
            Event(
                at: MonotonicInstant(nanoseconds: 1), .runtime(.startFailed(stage: "exec x: No such file", code: 127))))
        let view = JournalView(journal)
        #expect(view.judge(.exitCode(127)).answer == .yes)
        #expect(view.judge(.exitCode(0)).answer == .no)
        #expect(view.judge(.nobodyKilled).answer == .no)
    }
}
