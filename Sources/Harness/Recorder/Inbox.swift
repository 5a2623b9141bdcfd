import Journal
import Synchronization
import Vocabulary

/// Where the events of one container wait until the thread that runs it takes them.
package final class Inbox: Sendable {
    private let state = Mutex<(events: [Event], total: Int)>(([], 0))

    /// How many events of one container are kept: a run that makes more is beyond judging.
    package static let limit = 200_000

    package init() {}

    func put(_ event: Event) {
        state.withLock { state in
            state.total += 1
            if state.total <= Inbox.limit {
                state.events.append(event)
            } else if state.total == Inbox.limit + 1 {
                state.events.append(Event(at: event.instant, .kernel(.lost(count: 1))))
            }
        }
    }

    /// What has come since the last time and is not from after this moment; it is in order.
    package func take(until instant: MonotonicInstant) -> [Event] {
        state.withLock { state in
            let count = state.events.firstIndex { $0.instant > instant } ?? state.events.count
            defer { state.events.removeFirst(count) }
            return Array(state.events[..<count])
        }
    }
}
