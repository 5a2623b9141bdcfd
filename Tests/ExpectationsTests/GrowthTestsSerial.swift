import Expectations
import Journal
import Model
import Testing
import Vocabulary

/// Judging takes time that grows as the journal does, however a container fills it.
@Suite("Growth of judging", .timeLimit(.minutes(10)))
struct GrowthTestsSerial {
    /// What a hostile container can have plenty of.
    enum Plenty: String, CaseIterable, Sendable {
        case signalsToRoot, signalsDroppedLater, zombiesAndWaits, chainOfForks, orphans, lines, words, restarts, looks,
            kills, execs
    }

    private static func pid(_ number: Int) -> ProcessID { ProcessID(rawValue: Int32(1000 + number)) }

    /// A journal with so much of it, at the end of PID 1.
    private static func story(_ plenty: Plenty, _ count: Int) -> Journal {
        var story = Story()
        var events: [Event.Kind] = []
        switch plenty {
        case .signalsToRoot:
            for _ in 0..<count {
                events.append(.kernel(.signalled(.usr1, to: Story.initPID, from: .process(Story.app), fate: .queued)))
                events.append(.kernel(.delivered(.usr1, to: Story.initPID, hasHandler: true)))
            }
        case .signalsDroppedLater:
            for _ in 0..<count {
                events.append(.kernel(.signalled(.usr1, to: Story.initPID, from: .process(Story.app), fate: .queued)))
            }
            events.append(.kernel(.delivered(.usr1, to: Story.initPID, hasHandler: false)))
        case .zombiesAndWaits:
            for number in 0..<count {
                events.append(.kernel(.forked(child: pid(number), by: Story.app)))
                events.append(.kernel(.exited(pid(number))))
                events.append(
                    .kernel(.signalled(.chld, to: Story.app, from: .kernel(during: pid(number)), fate: .queued)))
                events.append(.kernel(.waited(by: Story.initPID, for: nil)))
            }
        case .chainOfForks:
            for number in 0..<count {
                events.append(.kernel(.forked(child: pid(number), by: number == 0 ? Story.app : pid(number - 1))))
            }
            for number in 0..<count { events.append(.kernel(.exited(pid(number)))) }
        case .orphans:
            events.append(.kernel(.forked(child: Story.other, by: Story.initPID)))
            for number in 0..<count { events.append(.kernel(.forked(child: pid(number), by: Story.other))) }
            events.append(.kernel(.exited(Story.other)))
            for number in 0..<count { events.append(.kernel(.exited(pid(number)))) }
        case .lines: for number in 0..<count { events.append(.printed("line \(number)", on: .stdout)) }
        case .words: for number in 0..<count { events.append(.said(.ran(step: "s\(number)"), by: Story.app)) }
        case .restarts:
            for number in 0..<count {
                events.append(.runtime(.exited(.exited(0), code: 0)))
                events.append(.runtime(.restartScheduled(after: .milliseconds(100), count: number + 1)))
                events.append(.runtime(.started(pid(number), program: "tini")))
            }
        case .looks:
            for _ in 0..<count {
                story.look("/m", "done")
            }
        case .kills:
            for number in 0..<count {
                events.append(.kernel(.forked(child: pid(number), by: Story.initPID)))
                events.append(
                    .kernel(.signalled(.kill, to: pid(number), from: .process(Story.initPID), fate: .queued)))
                events.append(.kernel(.exited(pid(number))))
            }
        case .execs:
            for number in 0..<count {
                events.append(.runtime(.execStarted(pid(number), program: "true")))
                events.append(.runtime(.execEnded(pid(number), .exited(0), code: 0)))
            }
        }
        for event in events { story.add(event) }
        story.exit(Story.initPID)
        story.end(.exited(0))
        return story.journal
    }

    private static let conditions = ConditionTests.sights.map(\.condition)

    /// The best of three, of the small and of the large alike: the machine does other things too.
    private static func time(_ body: () -> Void) -> Duration {
        (0..<3).map { _ in ContinuousClock().measure(body) }.min() ?? .zero
    }

    /// For eight times as much, what is linear takes eight times the time (measured: up to 13, as the caches are left), what is quadratic
    /// sixty-four times. The bound lies between.
    private static func bound(after first: Duration) -> Duration { max(first * 24, .milliseconds(50)) }

    /// How many of it there can be: as much as the harness keeps (200,000 kernel events, 50,000 reports, 20,000 lines of a stream); of what
    /// it does itself, more than a scenario has.
    private static func limit(of plenty: Plenty) -> Int {
        switch plenty {
        case .signalsDroppedLater: 200_000
        case .signalsToRoot, .chainOfForks, .orphans: 100_000
        case .zombiesAndWaits: 50_000
        case .kills: 66_000
        case .words: 50_000
        case .lines: 20_000
        case .restarts, .looks, .execs: 20_000
        }
    }

    /// From an eighth of the journal's limit up to the limit.
    @Test(arguments: Plenty.allCases)
    func growsWithTheJournal(plenty: Plenty) {
        let limit = Self.limit(of: plenty)
        let (small, large) = (Self.story(plenty, limit / 8), Self.story(plenty, limit))
        let (before, after) = (JournalView(small), JournalView(large))
        let first = Self.time { _ = JournalView(small) }
        let indexed = Self.time { _ = JournalView(large) }
        #expect(indexed < Self.bound(after: first), "the index: \(first), then \(indexed)")
        for condition in Self.conditions {
            let first = Self.time { _ = before.judge(Expectation(condition)) }
            let then = Self.time { _ = after.judge(Expectation(condition)) }
            #expect(then < Self.bound(after: first), "\(condition): \(first), then \(then)")
        }
    }

    /// Each repetition of a question costs what has come since, not the whole journal.
    @Test func aQuestionThatIsRepeatedIsNotAskedAnewOfTheWholeJournal() {
        func duration(_ count: Int) -> Duration {
            var story = Story()
            for _ in 0..<count {
                story.add(.mark(.stepBegan(0)))
                story.add(.mark(.asked(step: 0)))
            }
            var scenario = Scenario(title: "x", place: SourcePlace(file: "x", line: 1, column: 1))
            scenario.steps = [
                Step(.expect(Expectation(.state(.running))), place: SourcePlace(file: "x", line: 2, column: 1))
            ]
            let clock = ContinuousClock()
            return clock.measure {
                #expect(verdict(on: scenario, story.journal, interruption: nil) == .passed)
            }
        }
        let small = (0..<3).map { _ in duration(500) }.min() ?? .zero
        let large = (0..<3).map { _ in duration(4000) }.min() ?? .zero
        #expect(large < Self.bound(after: small), "\(small), then \(large)")
    }
}
