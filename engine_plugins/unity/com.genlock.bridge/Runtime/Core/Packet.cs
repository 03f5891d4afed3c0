using System;

namespace Genlock
{
    /// <summary>What a packet from a link is.</summary>
    internal enum PacketKind
    {
        /// <summary>The WebSocket is open.</summary>
        Opened,

        /// <summary>A message came.</summary>
        Message,

        /// <summary>The last of a link: nothing comes after it.</summary>
        Closed,
    }

    /// <summary>A message on its way in or out, in a buffer that is used again.</summary>
    internal sealed class Packet
    {
        internal PacketKind Kind;
        internal byte[] Bytes = new byte[1024];
        internal int Length;

        /// <summary>Outbound: a frame that a newer one may replace.</summary>
        internal bool IsFrame;

        /// <summary>Inbound: when it came, ticks of Stopwatch.</summary>
        internal long Ticks;

        /// <summary>Of <see cref="PacketKind.Closed"/>.</summary>
        internal int Code;

        /// <summary>Of <see cref="PacketKind.Closed"/>: why, in words.</summary>
        internal string Reason = "";

        internal void Fill(byte[] bytes, int length)
        {
            if (Bytes.Length < length)
            {
                Bytes = new byte[Math.Max(length, 2 * Bytes.Length)];
            }
            Buffer.BlockCopy(bytes, 0, Bytes, 0, length);
            Length = length;
        }
    }
}
