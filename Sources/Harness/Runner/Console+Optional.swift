import Journal
import Kernel
import Recorder
import Vocabulary

extension [Event] {
    /// All of one moment: in which order two streams were written to is not known when both are read at once.
    var atOnce: [Event] {
        let now = MonotonicInstant.now
        return map { Event(at: now, $0.kind) }
    }
}

extension Console? {
    /// What has come, of a stream that may not be there.
    mutating func read(isFinal: Bool = false) -> [Event] { self?.read(isFinal: isFinal) ?? [] }

    var openDescriptor: Int32? {
        switch self {
        case .some(let console): console.openDescriptor
        case .none: nil
        }
    }
}

extension Console {
    /// Its descriptor, as long as there is something to wait for.
    var openDescriptor: Int32? { isAtEnd ? nil : descriptor.rawValue }
}
