using System;
using UnityEngine;

namespace Genlock
{
    /// <summary>Calls an app's handlers: one that throws is in the log and keeps nothing from the others.</summary>
    internal static class Handlers
    {
        internal static void Call<T>(Action<T> handlers, T value, UnityEngine.Object context)
        {
            if (handlers == null)
            {
                return;
            }
            foreach (Action<T> handler in handlers.GetInvocationList())
            {
                Call(() => handler(value), context);
            }
        }

        internal static void Call(Action handler, UnityEngine.Object context)
        {
            try
            {
                handler();
            }
            catch (Exception problem)
            {
                Debug.LogException(problem, context);
            }
        }
    }
}
