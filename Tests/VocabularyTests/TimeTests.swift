import Testing
import Vocabulary

@Suite("Durations and instants")
struct TimeTests {
    @Test(arguments: [
        ("250ms", Duration.milliseconds(250)), ("10s", .seconds(10)), ("1m30s", .seconds(90)),
        ("1.5s", .milliseconds(1500)),
        ("0s", .zero), ("-1s", .seconds(-1)), ("2h", .seconds(7200)), ("100us", .microseconds(100)),
    ])
    func readsDurations(text: String, duration: Duration) {
        #expect(Duration(text: text) == duration)
    }

    @Test(arguments: ["", "10", "s", "10 s", "1s1m", "1.s", ".5s", "1s1s", "--1s", "10sec", "9999999999999h", "1e3s"])
    func refusesWhatIsNoDuration(text: String) {
        #expect(Duration(text: text) == nil)
    }

    @Test(arguments: [0, 1, 250, 999, 1000, 1500, 60_000, 90_250, 3_600_000, 86_399_999])
    func readsBackWhatItPrints(milliseconds: Int) {
        let duration = Duration.milliseconds(milliseconds)
        #expect(Duration(text: duration.text) == duration)
    }

    @Test(arguments: [
        (Duration.microseconds(310), "310 µs"), (.microseconds(12_340), "12.3 ms"), (.milliseconds(388), "388 ms"),
        (.milliseconds(1257), "1.26 s"), (.seconds(90), "90.00 s"), (.microseconds(-484), "-484 µs"),
        (.milliseconds(1004), "1.00 s"),
    ])
    func roundsForPeople(duration: Duration, text: String) {
        #expect(duration.rounded == text)
    }

    @Test func instantsDoNotOverflow() {
        let instant = MonotonicInstant(nanoseconds: 5)
        #expect(instant.advanced(by: .seconds(-1)) == MonotonicInstant(nanoseconds: 0))
        #expect(MonotonicInstant(nanoseconds: .max - 1).advanced(by: .seconds(1)) == .distantFuture)
        #expect(MonotonicInstant.distantFuture.advanced(by: .seconds(-1)) == .distantFuture)
        #expect(MonotonicInstant(nanoseconds: 3).duration(since: instant) == .nanoseconds(-2))
    }
}
