import Expectations
import Journal
import Model
import Testing
import Vocabulary

/// What a machine that was late leaves of a verdict.
@Suite("A machine that was late")
struct LatenessTests {
    private static let place = SourcePlace(file: "x.scenario", line: 7, column: 3)

    private func outcome(_ story: Story, _ actions: Step.Action...) -> Verdict {
        var scenario = Scenario(title: "x", place: Self.place)
        scenario.steps = actions.map { Step($0, place: Self.place) }
        return verdict(on: scenario, story.journal, interruption: nil)
    }

    private func isTooSlow(_ verdict: Verdict) -> Bool {
        if case .error(let reason) = verdict { reason.contains(tooSlowToJudge) } else { false }
    }

    private func isFailure(_ verdict: Verdict) -> Bool { if case .failed = verdict { true } else { false } }

    private static let ready = Expectation(.ready([.service("app")]), within: .seconds(1))

    // MARK: - Questions that were asked again

    @Test func whatCameWhenTheTimeWasOverIsNeitherYesNorNo() {
        var story = Story()
        story.add(.mark(.timeIsOver(step: 0)))
        story.add(.said(.ready, by: Story.app))
        story.add(.late(Lateness(container: .milliseconds(80), harness: .zero)))
        story.add(.mark(.asked(step: 0)))
        let outcome = outcome(story, .expect(Self.ready))
        #expect(isTooSlow(outcome))
        // The figures.
        if case .error(let reason) = outcome { #expect(reason.contains("80"), "\(reason)") }
    }

    /// The harness looked late; the kernel had seen it in time.
    @Test func whatWasSoInTimePassesHoweverLateItIsSeen() {
        var story = Story()
        story.add(.said(.ready, by: Story.app))
        story.add(.mark(.timeIsOver(step: 0)))
        story.add(.mark(.asked(step: 0)))
        #expect(outcome(story, .expect(Self.ready)) == .passed)
    }

    @Test func whatNeverComesFailsHoweverLateTheMachineWas() {
        var story = Story()
        story.add(.mark(.timeIsOver(step: 0)))
        story.add(.late(Lateness(container: .seconds(5), harness: .seconds(5))))
        story.add(.mark(.asked(step: 0)))
        #expect(isFailure(outcome(story, .expect(Self.ready))))
    }

    @Test func whatWasNotToComeAndCameLateIsNoPass() {
        var story = Story()
        story.add(.mark(.timeIsOver(step: 0)))
        story.add(.said(.ready, by: Story.app))
        story.add(.mark(.asked(step: 0)))
        let none = Expectation(.ready([.service("app")]), isNegated: true, within: .seconds(1))
        #expect(isTooSlow(outcome(story, .expect(none))))
    }

    // MARK: - What the runtime did late

    /// On a calm machine SIGKILL would have come first.
    @Test func anEndThatTheRuntimeShouldHaveForestalledIsNoPass() {
        var story = Story()
        story.add(.runtime(.stopRequested(.term, grace: .seconds(1))))
        story.add(.mark(.overdue))
        story.end(.exited(0))
        story.add(.mark(.asked(step: 0)))
        #expect(isTooSlow(outcome(story, .expect(Expectation(.exitCode(0))))))
    }

    /// Another signal, to another process, is not what was due.
    @Test func aSignalToAServiceIsNotWhatWasDue() {
        var story = Story()
        story.add(.mark(.overdue))
        story.add(.runtime(.sent(.kill, to: Story.app)))
        story.end(.exited(0))
        story.add(.mark(.asked(step: 0)))
        #expect(isTooSlow(outcome(story, .expect(Expectation(.exitCode(0))))))
    }

    /// SIGKILL was sent when it was ending by itself already.
    @Test func aKillThatCameTooLateHasKilledNobody() {
        var story = Story()
        story.add(.runtime(.stopRequested(.term, grace: .seconds(1))))
        story.add(.mark(.overdue))
        story.add(.runtime(.sent(.kill, to: Story.initPID)))
        story.end(.exited(0))
        story.add(.mark(.asked(step: 0)))
        #expect(isTooSlow(outcome(story, .expect(Expectation(.exitCode(0))))))
    }

    /// What was due was the stop signal, after a hook say: from then on it had its time.
    @Test func aStopSignalThatCameLateIsNoKill() {
        var story = Story()
        story.add(.mark(.overdue))
        story.add(.runtime(.sent(.term, to: Story.initPID)))
        story.end(.exited(0))
        story.add(.mark(.asked(step: 0)))
        #expect(outcome(story, .expect(Expectation(.exitCode(0)))) == .passed)
    }

    @Test func anEndBeforeThatIsOne() {
        var story = Story()
        story.add(.runtime(.stopRequested(.term, grace: .seconds(1))))
        story.end(.exited(0))
        story.add(.mark(.overdue))
        story.add(.mark(.asked(step: 0)))
        #expect(outcome(story, .expect(Expectation(.exitCode(0)))) == .passed)
    }

    @Test func whoWasKilledWhenItHadHadItsTimeHasFailed() {
        var story = Story()
        story.add(.runtime(.stopRequested(.term, grace: .seconds(1))))
        story.add(.mark(.overdue))
        story.add(.runtime(.sent(.kill, to: Story.initPID)))
        story.end(.signaled(.kill, dumpedCore: false))
        story.add(.mark(.asked(step: 0)))
        #expect(isFailure(outcome(story, .expect(Expectation(.exitCode(0))))))
    }

    // MARK: - How long a stop took

    /// The stop takes some milliseconds here, each event one.
    private func stop(late: Duration, bound: Condition.Bound) -> Verdict {
        var story = Story()
        story.add(.runtime(.stopRequested(.term, grace: .seconds(1))))
        for _ in 0..<100 { story.add(.printed("x", on: .stdout)) }
        story.end(.exited(0))
        for _ in 0..<100 { story.add(.printed("x", on: .stdout)) }
        if late > .zero { story.add(.late(Lateness(container: late, harness: .zero))) }
        story.add(.mark(.asked(step: 0)))
        return outcome(story, .expect(Expectation(.stopTook(bound))))
    }

    @Test func aStopThatWasTooLongOnlyBecauseOfTheMachine() {
        #expect(isFailure(stop(late: .zero, bound: .lessThan(.milliseconds(50)))))
        #expect(isTooSlow(stop(late: .milliseconds(80), bound: .lessThan(.milliseconds(50)))))
        // It would have been too long without.
        #expect(isFailure(stop(late: .milliseconds(10), bound: .lessThan(.milliseconds(50)))))
    }

    @Test func aStopThatWasLongEnoughOnlyBecauseOfTheMachine() {
        #expect(stop(late: .zero, bound: .atLeast(.milliseconds(50))) == .passed)
        #expect(isTooSlow(stop(late: .milliseconds(80), bound: .atLeast(.milliseconds(50)))))
        #expect(stop(late: .milliseconds(5), bound: .atLeast(.milliseconds(50))) == .passed)
    }

    // MARK: - Times of the scenario's own

    private func failure(late: Duration, in step: Int) -> Verdict {
        var story = Story()
        for number in 0..<3 {
            story.add(.mark(.stepBegan(number)))
            if number == step { story.add(.late(Lateness(container: .zero, harness: late))) }
        }
        story.add(.mark(.asked(step: 2)))
        return outcome(story, .wait(.milliseconds(200)), .start, .expect(Expectation(.ready([.service("app")]))))
    }

    @Test func aFailureAfterAWaitThatWasTooLongIsUnknown() {
        #expect(isFailure(failure(late: .zero, in: 0)))
        #expect(isFailure(failure(late: .milliseconds(30), in: 0)))
        #expect(isTooSlow(failure(late: .milliseconds(150), in: 0)))
        // Nothing happens in that step at a time of its own.
        #expect(isFailure(failure(late: .milliseconds(150), in: 1)))
    }

    /// - Parameters:
    ///   - every: the milliseconds before each note.
    ///   - stop: how long a service takes to stop.
    private func failure(
        late growth: Int, times: Int, every milliseconds: Int, wait: Duration = .milliseconds(200),
        stop: Duration? = nil
    ) -> Verdict {
        var story = Story()
        story.add(.mark(.stepBegan(0)))
        for number in 1...times {
            story.pass(milliseconds)
            story.add(.late(Lateness(container: .milliseconds(growth) * number, harness: .zero)))
        }
        story.add(.mark(.asked(step: 1)))
        var scenario = Scenario(title: "x", place: Self.place)
        scenario.services = stop.map { [Service(name: "app", traits: [.stopTakes($0)], place: Self.place)] } ?? []
        scenario.steps = [.wait(wait), .expect(Expectation(.ready([.service("app")])))].map {
            Step($0, place: Self.place)
        }
        return verdict(on: scenario, story.journal, interruption: nil)
    }

    /// A little now and then delays nothing by much.
    @Test func whatIsLateByLittleInEachOfItsTimesIsNot() {
        #expect(isFailure(failure(late: 30, times: 10, every: 210)))
        #expect(isTooSlow(failure(late: 30, times: 10, every: 20)))
        #expect(isFailure(failure(late: 30, times: 3, every: 20)))
        // What came before the first note counts.
        #expect(isTooSlow(failure(late: 60, times: 2, every: 40)))
    }

    /// What happens one after the other is late by the sum.
    @Test func aLittleInEachOfSeveralTimesIsMuch() {
        let wait = Duration.seconds(1)
        #expect(isTooSlow(failure(late: 30, times: 10, every: 210, wait: wait, stop: .milliseconds(200))))
        #expect(isFailure(failure(late: 30, times: 10, every: 600, wait: wait, stop: .milliseconds(200))))
        #expect(isFailure(failure(late: 30, times: 10, every: 210, wait: wait)))
    }
}
