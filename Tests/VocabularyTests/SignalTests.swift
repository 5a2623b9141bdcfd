import Testing
import Vocabulary

@Suite("Signals")
struct SignalTests {
    @Test(arguments: [
        ("SIGTERM", 15), ("TERM", 15), ("sigterm", 15), ("term", 15), ("15", 15), ("SIGIOT", 6), ("POLL", 29),
        ("64", 64),
        ("SIGRTMIN", 34), ("RTMIN+3", 37), ("SIGRTMIN+3", 37), ("SIGRTMAX", 64), ("RTMAX-2", 62), ("1", 1),
    ])
    func readsEverySpelling(text: String, number: Int) {
        #expect(Signal(text)?.rawValue == Int32(number))
    }

    @Test(arguments: ["", "0", "65", "-1", "+15", "SIG", "SIGFOO", "RTMIN+31", "RTMAX-31", "RTMIN-1", "TERM ", "15.0"])
    func refusesWhatIsNoSignal(text: String) {
        #expect(Signal(text) == nil)
    }

    @Test(arguments: Signal.all)
    func readsBackWhatItPrints(signal: Signal) {
        #expect(Signal(signal.description) == signal)
        #expect(Signal(signal.spelling) == signal)
        #expect(Signal(String(signal.rawValue)) == signal)
    }

    @Test func knowsThemAllButThoseOfTheCLibrary() {
        #expect(Signal.all.count == 62)
        #expect(Signal(rawValue: 33).description == "signal 33")
        #expect(Signal(Signal(rawValue: 33).spelling) == Signal(rawValue: 33))
    }
}
