using System;

namespace Genlock
{
    /// <summary>Bytes that are not the msgpack that was expected: cut short, of another type, or beyond a limit.</summary>
    public sealed class MsgPackException : Exception
    {
        /// <summary>With what is wrong, in words.</summary>
        public MsgPackException(string message)
            : base(message)
        {
        }
    }
}
