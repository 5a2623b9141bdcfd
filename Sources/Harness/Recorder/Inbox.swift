import Journal
import Synchronization

/// Where the events of one container wait until the thread that runs it takes them.
package final class Inbox: Sendable {
    private let events = Mutex<[Event]>([])

    package init() {}

    func put(_ event: Event) {
        events.withLock { $0.append(event) }
    }

    /// What has come since the last time.
    package func takeAll() -> [Event] {
        events.withLock { events in
            defer { events.removeAll() }
            return events
        }
    }
}
