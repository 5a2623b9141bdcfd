/// A moment on CLOCK_MONOTONIC, the clock of every event in a journal.
public struct MonotonicInstant: Hashable, Comparable, Sendable {
    /// Since an unspecified point, usually the start of the machine.
    public let nanoseconds: UInt64

    public init(nanoseconds: UInt64) {
        self.nanoseconds = nanoseconds
    }

    /// A moment that never comes.
    public static let distantFuture = MonotonicInstant(nanoseconds: .max)

    public static func < (left: MonotonicInstant, right: MonotonicInstant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// The later moment; `distantFuture` where the sum cannot be represented. A negative duration leads back, to zero at most.
    public func advanced(by duration: Duration) -> MonotonicInstant {
        guard self != .distantFuture else { return self }
        let step = duration.inNanoseconds
        if step < 0 { return MonotonicInstant(nanoseconds: nanoseconds - min(nanoseconds, step.magnitude)) }
        let (sum, overflow) = nanoseconds.addingReportingOverflow(UInt64(step))
        return overflow ? .distantFuture : MonotonicInstant(nanoseconds: sum)
    }

    /// The time from another moment to this one; negative when the other is later.
    public func duration(since other: MonotonicInstant) -> Duration {
        self >= other
            ? .nanoseconds(Int64(clamping: nanoseconds - other.nanoseconds))
            : .nanoseconds(-Int64(clamping: other.nanoseconds - nanoseconds))
    }
}
